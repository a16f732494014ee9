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
        }
    }
}

impl Mail {
    /// A mail to a person at the address of the account.
    #[must_use]
    pub fn to(user: &User, id: MailId, content: MailContent) -> Self {
        Self {
            id,
            recipient: user.email.clone(),
            display_name: user.display_name.clone(),
            locale: user.locale.clone(),
            content,
        }
    }
}
