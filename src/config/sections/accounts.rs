//! Accounts and their passwords.

use std::path::PathBuf;

use super::{issuer, second_factors, tokens};
use crate::application::policy::Policy;
use crate::config::setting::Setting;
use crate::config::source::{InvalidSetting, Source};
use crate::config::value;
use crate::domain::account::user::UnverifiedSignIn;
use crate::domain::credential::password::PasswordPolicy;

/// The settings of this section.
pub(super) const SETTINGS: &[Setting] = &[
    Setting::new(
        "password_min_length",
        "The least code points of a new password. Below 15 the start warns (NIST SP 800-63B-4).",
    )
    .or("15")
    .between("8", "64"),
    Setting::new(
        "password_blocklist_file",
        "A list of breached passwords, none of which is taken as a new one: their SHA-1 hashes with counts, ordered by hash, \
         as Have I Been Pwned publishes them. It is looked up on disk, and opened once: a new list takes a restart.",
    ),
    Setting::new("unverified_sign_in", "Whether people may sign in before they have proven their e-mail address.")
        .or("false")
        .or_in_dev("true"),
    Setting::new(
        "sign_in_notice",
        "Whether people get a mail after a sign-in with a program or from a network that is new for them. Of one after \
         several failed attempts they are told in any case.",
    )
    .or("false"),
    Setting::new("deleted_retention", "How long the data of deleted accounts is kept before it is erased.")
        .or("30d")
        .between("0s", "365d"),
];

/// Where the list of breached passwords is.
pub(in crate::config) fn read_blocklist(source: &Source) -> Result<Option<PathBuf>, InvalidSetting> {
    source.optional("password_blocklist_file", value::path)
}

/// Reads the section, and with it what else accounts and sessions are ruled by.
pub(in crate::config) fn read(source: &Source) -> Result<Policy, InvalidSetting> {
    let audiences = issuer::read(source)?;
    let service_words = ["ipse", audiences.own(), issuer::host(audiences.own())].map(str::to_owned).to_vec();
    Ok(Policy {
        access_token_lifetime: tokens::read_access_token_lifetime(source)?,
        action_tokens: tokens::read_action_tokens(source)?,
        sessions: tokens::read_sessions(source)?,
        passwords: PasswordPolicy::new(source.limited("password_min_length", value::number)?, service_words),
        unverified_sign_in: source.required("unverified_sign_in", unverified_sign_in)?,
        sign_in_notice: source.required("sign_in_notice", value::boolean)?,
        deleted_retention: source.span("deleted_retention")?,
        mfa: second_factors::read_policy(source)?,
        factor_reset_delay: second_factors::read_reset_delay(source)?,
        audiences,
    })
}

fn unverified_sign_in(text: &str) -> Result<UnverifiedSignIn, &'static str> {
    let allowed = value::boolean(text)?;
    Ok(if allowed { UnverifiedSignIn::Allowed } else { UnverifiedSignIn::Refused })
}
