//! Mail that tells a person of an event or carries a token.

use super::Timestamp;
use super::account::email::EmailAddress;
use super::account::profile::{DisplayName, Locale};
use super::account::user::User;
use super::credential::factor::FactorKind;
use super::id::MailId;
use super::secret::Secret;
use super::session::client::Client;

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
    /// Set the first password of an account that an operator made, with the token.
    Invitation {
        /// The token for `ResetPassword`.
        token: Secret,
    },
    /// The account was deleted.
    AccountDeleted {
        /// When its data will be erased.
        erase_time: Timestamp,
    },
    /// Somebody tried to sign up with this address, or asked for a token, and its account was deleted.
    AccountWasDeleted {
        /// When its data will be erased, and the address is free.
        erase_time: Timestamp,
    },
    /// Somebody tried to sign up with this address, or asked for a token, and its account is suspended.
    AccountSuspended,
    /// The address is proven, or vouched for, and the account open.
    Welcome,
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
    /// An API key of a service account was made or revoked with this person's account.
    ApiKeyChanged {
        /// From where.
        client: Client,
        /// When.
        time: Timestamp,
    },
    /// The person's second factors were changed, or a recovery code was used.
    FactorsChanged {
        /// What was done.
        change: FactorsChange,
        /// From where.
        client: Client,
        /// When.
        time: Timestamp,
    },
    /// Support removed all second factors of the person.
    FactorsReset,
    /// Support was asked to remove all second factors of the person, who may stop it with the token.
    FactorResetPending {
        /// The token for `StopFactorReset`.
        token: Secret,
        /// When it will be done.
        time: Timestamp,
    },
    /// Somebody had the right password and failed at the second factor several times.
    SecondFactorFailed {
        /// From where.
        client: Client,
        /// When.
        time: Timestamp,
    },
    /// Somebody signed in from a place that is new for this person, or after several failed attempts.
    NewSignIn {
        /// From where.
        client: Client,
        /// When.
        time: Timestamp,
    },
}

/// What was done to somebody's second factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactorsChange {
    /// One was added.
    Added(FactorKind),
    /// One was removed.
    Removed(FactorKind),
    /// New recovery codes took the place of the old ones.
    RecoveryCodesMade,
    /// A recovery code was used.
    RecoveryCodeUsed {
        /// How many are left.
        remaining: u32,
    },
}

impl MailContent {
    /// The kind, as a stable name: that of the template, and what throttling tells apart.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::VerifyEmail { .. } => "verify_email",
            Self::AlreadyRegistered => "already_registered",
            Self::ResetPassword { .. } => "reset_password",
            Self::Invitation { .. } => "invitation",
            Self::AccountDeleted { .. } => "account_deleted",
            Self::AccountWasDeleted { .. } => "account_was_deleted",
            Self::AccountSuspended => "account_suspended",
            Self::Welcome => "welcome",
            Self::PasswordChanged => "password_changed",
            Self::ConfirmNewEmail { .. } => "confirm_new_email",
            Self::EmailChangeRequested => "email_change_requested",
            Self::EmailChanged => "email_changed",
            Self::ApiKeyChanged { .. } => "api_key_changed",
            Self::FactorsChanged { .. } => "factors_changed",
            Self::FactorsReset => "factors_reset",
            Self::FactorResetPending { .. } => "factor_reset_pending",
            Self::SecondFactorFailed { .. } => "second_factor_failed",
            Self::NewSignIn { .. } => "new_sign_in",
        }
    }

    /// Whether the reader can do something with it that nobody else may.
    #[must_use]
    pub const fn carries_token(&self) -> bool {
        match self {
            Self::VerifyEmail { .. }
            | Self::ResetPassword { .. }
            | Self::Invitation { .. }
            | Self::ConfirmNewEmail { .. }
            | Self::FactorResetPending { .. } => true,
            Self::AlreadyRegistered
            | Self::AccountDeleted { .. }
            | Self::AccountWasDeleted { .. }
            | Self::AccountSuspended
            | Self::Welcome
            | Self::PasswordChanged
            | Self::EmailChangeRequested
            | Self::EmailChanged
            | Self::ApiKeyChanged { .. }
            | Self::FactorsChanged { .. }
            | Self::FactorsReset
            | Self::SecondFactorFailed { .. }
            | Self::NewSignIn { .. } => false,
        }
    }
}

impl Mail {
    /// A mail to a person, at the address of the account or another one. An address that nobody has proven may be a
    /// stranger's: it gets none of the words that were chosen with it, such as a name that reads like a warning.
    #[must_use]
    pub fn to(user: &User, recipient: &EmailAddress, id: MailId, content: MailContent) -> Self {
        let is_proven = user.email_verified && user.email.canonical() == recipient.canonical();
        Self {
            id,
            recipient: recipient.clone(),
            display_name: if is_proven { user.display_name.clone() } else { DisplayName::default() },
            locale: user.locale.clone(),
            content,
        }
    }
}

/// What tests of all kinds of mail share.
#[cfg(test)]
pub(crate) mod fixture {
    use std::iter::successors;
    use std::net::IpAddr;

    use super::*;

    /// A content of every kind, with the token `canary-token`.
    pub(crate) fn contents() -> impl Iterator<Item = MailContent> {
        let token = || Secret::new("canary-token");
        successors(Some(MailContent::VerifyEmail { token: token() }), move |content| {
            Some(match content {
                MailContent::VerifyEmail { .. } => MailContent::AlreadyRegistered,
                MailContent::AlreadyRegistered => MailContent::ResetPassword { token: token() },
                MailContent::ResetPassword { .. } => MailContent::Invitation { token: token() },
                MailContent::Invitation { .. } => MailContent::Welcome,
                MailContent::Welcome => MailContent::PasswordChanged,
                MailContent::PasswordChanged => MailContent::ConfirmNewEmail { token: token() },
                MailContent::ConfirmNewEmail { .. } => MailContent::EmailChangeRequested,
                MailContent::EmailChangeRequested => MailContent::EmailChanged,
                MailContent::EmailChanged => MailContent::ApiKeyChanged {
                    client: Client::new(IpAddr::from([192, 0, 2, 1]), "canary-app/1.0"),
                    time: Timestamp::UNIX_EPOCH,
                },
                MailContent::ApiKeyChanged { client, time } => {
                    MailContent::NewSignIn { client: client.clone(), time: *time }
                }
                MailContent::NewSignIn { client, time } => {
                    MailContent::FactorsChanged { change: changes()[0], client: client.clone(), time: *time }
                }
                MailContent::FactorsChanged { client, time, .. } => {
                    MailContent::SecondFactorFailed { client: client.clone(), time: *time }
                }
                MailContent::SecondFactorFailed { time, .. } => {
                    MailContent::FactorResetPending { token: token(), time: *time }
                }
                MailContent::FactorResetPending { .. } => MailContent::FactorsReset,
                MailContent::FactorsReset => MailContent::AccountDeleted { erase_time: Timestamp::UNIX_EPOCH },
                MailContent::AccountDeleted { erase_time } => {
                    MailContent::AccountWasDeleted { erase_time: *erase_time }
                }
                MailContent::AccountWasDeleted { .. } => MailContent::AccountSuspended,
                MailContent::AccountSuspended => return None,
            })
        })
    }

    /// Every change of factors, with a number of codes left for each way to tell of it.
    pub(crate) fn changes() -> Vec<FactorsChange> {
        let kinds = FactorKind::ALL.iter().copied();
        let of_kinds = kinds.clone().map(FactorsChange::Added).chain(kinds.map(FactorsChange::Removed));
        let used = [9, 3, 1, 0].map(|remaining| FactorsChange::RecoveryCodeUsed { remaining });
        of_kinds.chain([FactorsChange::RecoveryCodesMade]).chain(used).collect()
    }
}
