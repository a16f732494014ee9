//! Mailed tokens: whoever presents one has read the mail. Single use, for one purpose and one person.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use time::Duration;

use crate::domain::Timestamp;
use crate::domain::account::email::EmailAddress;
use crate::domain::id::UserId;
use crate::domain::named_enum::named_enum;
use crate::domain::secret::{Digest, Secret};

/// The longest mailed token text that is looked at, in bytes.
pub const MAX_BYTES: usize = 128;
/// How long the token is valid that stops a removal of second factors: the longest that such a removal waits.
pub const STOP_FACTOR_RESET: Duration = Duration::hours(72);

named_enum! {
    /// What a mailed token allows.
    ActionPurpose {
        /// Proving the e-mail address.
        VerifyEmail = "verify_email",
        /// Setting a new password.
        ResetPassword = "reset_password",
        /// Taking the address that the token was mailed to.
        ChangeEmail = "change_email",
        /// Setting the first password of an account that an operator made.
        AcceptInvitation = "accept_invitation",
        /// Stopping the removal of one's second factors that support was asked for.
        StopFactorReset = "stop_factor_reset",
    }
}

/// How long mailed tokens are valid.
#[derive(Debug, Clone, Copy)]
pub struct ActionTokenLifetimes {
    /// Those that prove an e-mail address.
    pub verification: Duration,
    /// Those that reset a password.
    pub reset: Duration,
    /// Those that invite to choose the first password.
    pub invitation: Duration,
}

impl ActionTokenLifetimes {
    /// How long a token for this purpose is valid.
    #[must_use]
    pub const fn of(&self, purpose: ActionPurpose) -> Duration {
        match purpose {
            ActionPurpose::VerifyEmail | ActionPurpose::ChangeEmail => self.verification,
            ActionPurpose::ResetPassword => self.reset,
            ActionPurpose::AcceptInvitation => self.invitation,
            ActionPurpose::StopFactorReset => STOP_FACTOR_RESET,
        }
    }
}

/// A mailed token as it is stored: a person has at most one for each purpose, and a new one replaces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionToken {
    /// Who may act.
    pub user_id: UserId,
    /// What is allowed.
    pub purpose: ActionPurpose,
    /// The address to take, for `ChangeEmail`.
    pub new_email: Option<EmailAddress>,
    /// The digest of the secret that was mailed.
    pub digest: Digest,
    /// When it was made.
    pub create_time: Timestamp,
    /// When it expires.
    pub expire_time: Timestamp,
}

/// The text form of 256 random bits: 43 characters that are safe in a link.
#[must_use]
pub fn text(entropy: &[u8; 32]) -> Secret {
    Secret::new(URL_SAFE_NO_PAD.encode(entropy))
}

/// The digest under which the token with this text is stored.
#[must_use]
pub fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_43_characters_that_are_safe_in_a_link() {
        let text = text(&[0xfb; 32]);
        assert_eq!(text.expose().len(), 43);
        assert!(text.expose().bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
    }
}
