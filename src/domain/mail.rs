//! Mail that tells a person of an event or carries a token.

use super::email::EmailAddress;
use super::id::MailId;
use super::profile::{DisplayName, Locale};
use super::secret::Secret;
use super::user::User;

/// A mail before it is written in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Names the mail; the same at every delivery of it.
    pub id: MailId,
    /// Where it goes.
    pub recipient: EmailAddress,
    /// The name to greet by, perhaps empty.
    pub display_name: DisplayName,
    /// The language to write in.
    pub locale: Option<Locale>,
    /// What it says.
    pub content: MailContent,
}

/// What a mail says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailContent {
    /// Prove this address with the token.
    VerifyEmail {
        /// The token for `VerifyEmail`.
        token: Secret,
    },
    /// Somebody tried to sign up with this address, which has an account.
    AlreadyRegistered,
    /// Set a new password with the token.
    ResetPassword {
        /// The token for `ResetPassword`.
        token: Secret,
    },
    /// The password was replaced.
    PasswordChanged,
    /// Prove this new address with the token.
    ConfirmNewEmail {
        /// The token for `ConfirmEmailChange`.
        token: Secret,
    },
    /// Somebody asked to change the address of the account away from this one.
    EmailChangeRequested,
    /// The address of the account was changed; to the old and to the new one.
    EmailChanged,
}

impl MailContent {
    /// The kind, as a stable word: the name of the template, and what throttling tells apart.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::VerifyEmail { .. } => "verify_email",
            Self::AlreadyRegistered => "already_registered",
            Self::ResetPassword { .. } => "reset_password",
            Self::PasswordChanged => "password_changed",
            Self::ConfirmNewEmail { .. } => "confirm_new_email",
            Self::EmailChangeRequested => "email_change_requested",
            Self::EmailChanged => "email_changed",
        }
    }
}

impl Mail {
    /// A mail to a person, at the address of the account or another one.
    #[must_use]
    pub fn to(user: &User, recipient: &EmailAddress, id: MailId, content: MailContent) -> Self {
        Self {
            id,
            recipient: recipient.clone(),
            display_name: user.display_name.clone(),
            locale: user.locale.clone(),
            content,
        }
    }
}
