//! The keys that sign tokens.

use crate::application::keys::KeyPolicy;
use crate::config::setting::Setting;
use crate::config::source::{InvalidSetting, Source};
use crate::domain::token::signing_key::SigningAlgorithm;

/// The settings of this section.
pub(super) const SETTINGS: &[Setting] = &[
    Setting::new(
        "signing_algorithm",
        "What new keys sign tokens with: ES256, EdDSA, or RS256 for verifiers that know no other. The present key \
         stays in use until it is rotated.",
    )
    .or("ES256"),
    Setting::new("signing_key_lifetime", "How long a key signs tokens before a new one takes its place.")
        .or("90d")
        .between("1h", "365d"),
];

/// Reads the section.
pub(in crate::config) fn read(source: &Source) -> Result<KeyPolicy, InvalidSetting> {
    Ok(KeyPolicy {
        algorithm: source.required("signing_algorithm", SigningAlgorithm::parse)?,
        lifetime: source.span("signing_key_lifetime")?,
    })
}
