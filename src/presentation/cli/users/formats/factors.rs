//! Second factors of other systems.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::Hints;
use crate::proto::factor_record::Method;
use crate::proto::{FactorRecord, PasskeyRecord};

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Bytes in base64 of either alphabet, with or without padding.
pub(super) fn bytes(text: &str) -> Option<Vec<u8>> {
    let engine = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    engine.decode(text).ok()
}

/// An app with this seed, which makes codes as all apps do unless they are told otherwise.
pub(super) fn app(seed: &[u8]) -> Method {
    let seed = base32::encode(base32::Alphabet::Rfc4648 { padding: false }, seed);
    Method::OtpauthUri(format!("otpauth://totp/imported?secret={seed}"))
}

/// An app with a seed that is written in base32.
pub(super) fn app_of_base32(seed: &str) -> Option<Method> {
    let seed: String = seed.chars().filter(|letter| !matches!(letter, ' ' | '-' | '=')).collect();
    let seed = base32::decode(base32::Alphabet::Rfc4648 { padding: false }, &seed.to_ascii_uppercase())?;
    Some(app(&seed))
}

/// A factor with the name that the person gave it.
pub(super) fn named(method: Method, display_name: String) -> FactorRecord {
    FactorRecord { method: Some(method), display_name, ..FactorRecord::default() }
}

/// A passkey of the domain that the user named.
pub(super) fn passkey(passkey: PasskeyRecord, hints: &Hints) -> Option<Method> {
    let rp_id = hints.passkey_domain.clone()?;
    Some(Method::Passkey(PasskeyRecord { rp_id, ..passkey }))
}
