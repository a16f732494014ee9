//! Passkeys (credentials of Web Authentication) as they are kept, and what may be different each time one is used.

use std::ops::RangeInclusive;

use uuid::Uuid;

/// How many bytes an authenticator may name a passkey with (WebAuthn, section 7.1).
pub const CREDENTIAL_ID_BYTES: RangeInclusive<usize> = 1..=1023;
/// How many bytes may stand for a person towards authenticators (WebAuthn, section 5.4.3).
pub const USER_HANDLE_BYTES: RangeInclusive<usize> = 1..=64;
/// How many bytes a domain may have that passkeys are made for (RFC 1035).
pub const MAX_RP_ID_BYTES: usize = 253;
/// How many ways to an authenticator a passkey may have.
pub const MAX_TRANSPORTS: usize = 16;
/// How many bytes the name of such a way may have.
const TRANSPORT_BYTES: RangeInclusive<usize> = 1..=32;

/// A key pair that an authenticator made for a person at one relying party, of which the public half is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    /// The authenticator's name for it, of `CREDENTIAL_ID_BYTES`. No two people may have the same.
    pub credential_id: Vec<u8>,
    /// The public half: a `COSE_Key` (RFC 9052), byte for byte as the authenticator sent it.
    pub public_key: Vec<u8>,
    /// Stands for its person towards authenticators, of `USER_HANDLE_BYTES`: random, and nothing about them.
    pub user_handle: Vec<u8>,
    /// The domain that it was made for and that it is good for alone.
    pub rp_id: String,
    /// How often it was used, as its authenticator counts; 0 if it does not count.
    pub sign_count: u32,
    /// The model of its authenticator, as it says itself; nil if it does not.
    pub aaguid: Uuid,
    /// How its authenticator can be reached: hints for browsers, such as `internal` and `usb`.
    pub transports: Vec<String>,
    /// Whether its private half may leave the authenticator, as those that are synced do. It never changes.
    pub backup_eligible: bool,
    /// Whether there was another copy of its private half when it was used last.
    pub backed_up: bool,
    /// Whether its authenticator verified its person when it was made.
    pub user_verified: bool,
}

/// Whether an authenticator has to verify its person, by a PIN or by what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserVerification {
    /// It has to: whoever holds the authenticator alone is refused.
    Required,
    /// If it can.
    Preferred,
    /// Not if that can be avoided: the passkey is a second factor.
    Discouraged,
}

impl UserVerification {
    /// Its name in WebAuthn.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Preferred => "preferred",
            Self::Discouraged => "discouraged",
        }
    }

    /// Whether a person will do whom the authenticator has verified, or not.
    pub const fn accepts(self, user_verified: bool) -> bool {
        user_verified || !matches!(self, Self::Required)
    }
}

/// Whether the private half may have copies, and whether there are any. None that must not have any has them.
pub const fn is_possible_backup(backup_eligible: bool, backed_up: bool) -> bool {
    backup_eligible || !backed_up
}

/// Whether a passkey can have been made for this domain.
#[must_use]
pub fn is_domain(text: &str) -> bool {
    let is_label =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    text.len() <= MAX_RP_ID_BYTES && text.split('.').all(is_label)
}

/// Whether a way to an authenticator is named in the form that all of their names have, those of later times too.
#[must_use]
pub fn is_transport(name: &str) -> bool {
    TRANSPORT_BYTES.contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

impl Passkey {
    /// Whether a use with this count comes after the last one. Where authenticators count, a count that does not go up
    /// says that there are two of them with the same private half.
    pub const fn accepts_count(&self, sign_count: u32) -> bool {
        sign_count > self.sign_count || (sign_count == 0 && self.sign_count == 0)
    }

    /// Whether it still says of itself whether its private half may have copies.
    pub const fn accepts_eligibility(&self, backup_eligible: bool) -> bool {
        self.backup_eligible == backup_eligible
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passkey(sign_count: u32, backup_eligible: bool) -> Passkey {
        Passkey {
            credential_id: vec![1],
            public_key: vec![],
            user_handle: vec![2],
            rp_id: "example.org".to_owned(),
            sign_count,
            aaguid: Uuid::nil(),
            transports: vec![],
            backup_eligible,
            backed_up: false,
            user_verified: true,
        }
    }

    #[test]
    fn a_count_goes_up_unless_nobody_counts() {
        for (stored, shown, accepted) in [
            (0, 0, true),
            (0, 1, true),
            (0, u32::MAX, true),
            (1, 0, false),
            (1, 1, false),
            (1, 2, true),
            (7, 6, false),
            (7, 100, true),
            (u32::MAX, 0, false),
            (u32::MAX, u32::MAX, false),
            (u32::MAX - 1, u32::MAX, true),
        ] {
            assert_eq!(passkey(stored, false).accepts_count(shown), accepted, "{stored}, then {shown}");
        }
    }

    #[test]
    fn whether_there_may_be_copies_does_not_change() {
        for (stored, shown) in [(false, false), (false, true), (true, false), (true, true)] {
            assert_eq!(passkey(0, stored).accepts_eligibility(shown), stored == shown, "{stored}, then {shown}");
        }
    }

    #[test]
    fn there_are_no_copies_where_there_must_be_none() {
        for (eligible, backed_up, possible) in
            [(false, false, true), (false, true, false), (true, false, true), (true, true, true)]
        {
            assert_eq!(is_possible_backup(eligible, backed_up), possible, "{eligible} {backed_up}");
        }
    }

    #[test]
    fn a_domain_is_labels_with_dots_between_them() {
        let longest = format!("{}.org", "a".repeat(MAX_RP_ID_BYTES - 4));
        for text in ["localhost", "example.org", "Login-2.example.org", "xn--bcher-kva.example", &longest] {
            assert!(is_domain(text), "{text}");
        }
        let too_long = format!("a{longest}");
        let wrong = ["", ".", "example..org", ".example.org", "example.org.", "example.org:443", "exa mple.org"];
        for text in wrong.into_iter().chain(["https://example.org", "bücher.example", "a_b.example", &too_long]) {
            assert!(!is_domain(text), "{text}");
        }
    }

    #[test]
    fn only_who_must_be_verified_is_refused_without() {
        for (wanted, name, unverified) in [
            (UserVerification::Required, "required", false),
            (UserVerification::Preferred, "preferred", true),
            (UserVerification::Discouraged, "discouraged", true),
        ] {
            assert_eq!((wanted.as_str(), wanted.accepts(true), wanted.accepts(false)), (name, true, unverified));
        }
    }
}
