//! A mail as JSON, the form in which it is sealed.

use std::borrow::Cow;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::application::ports::SealError;
use crate::domain::Timestamp;
use crate::domain::account::email::EmailAddress;
use crate::domain::account::profile::{DisplayName, Locale};
use crate::domain::id::MailId;
use crate::domain::mail::{Mail, MailContent};
use crate::domain::secret::Secret;
use crate::domain::session::client::Client;

/// A mail without its id, which is part of the place where it is sealed.
#[derive(Serialize, Deserialize)]
pub(super) struct SealedMail<'a> {
    recipient: Cow<'a, str>,
    display_name: Cow<'a, str>,
    locale: Option<Cow<'a, str>>,
    content: SealedContent<'a>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum SealedContent<'a> {
    VerifyEmail { token: Cow<'a, str> },
    AlreadyRegistered,
    ResetPassword { token: Cow<'a, str> },
    Invitation { token: Cow<'a, str> },
    Welcome,
    PasswordChanged,
    ConfirmNewEmail { token: Cow<'a, str> },
    EmailChangeRequested,
    EmailChanged,
    NewSignIn { ip_address: IpAddr, user_agent: Cow<'a, str>, unix_time: i64 },
}

impl<'a> SealedMail<'a> {
    /// The mail's mirror.
    pub(super) fn of(mail: &'a Mail) -> Self {
        Self {
            recipient: mail.recipient.written().into(),
            display_name: mail.display_name.as_str().into(),
            locale: mail.locale.as_ref().map(|locale| locale.as_str().into()),
            content: SealedContent::of(&mail.content),
        }
    }

    /// Writes JSON.
    pub(super) fn to_json(&self) -> Result<Zeroizing<Vec<u8>>, SealError> {
        serde_json::to_vec(self).map(Zeroizing::new).map_err(|_| SealError::Damaged)
    }

    /// Reads JSON.
    pub(super) fn from_json(json: &'a [u8]) -> Result<Self, SealError> {
        serde_json::from_slice(json).map_err(|_| SealError::Damaged)
    }

    /// The mail.
    pub(super) fn into_mail(self, id: MailId) -> Result<Mail, SealError> {
        Ok(Mail {
            id,
            recipient: EmailAddress::parse(&self.recipient).map_err(|_| SealError::Damaged)?,
            display_name: DisplayName::parse(&self.display_name).map_err(|_| SealError::Damaged)?,
            locale: self.locale.map(|tag| Locale::parse(&tag)).transpose().map_err(|_| SealError::Damaged)?,
            content: self.content.into_content()?,
        })
    }
}

impl<'a> SealedContent<'a> {
    fn of(content: &'a MailContent) -> Self {
        match content {
            MailContent::VerifyEmail { token } => Self::VerifyEmail { token: token.expose().into() },
            MailContent::AlreadyRegistered => Self::AlreadyRegistered,
            MailContent::ResetPassword { token } => Self::ResetPassword { token: token.expose().into() },
            MailContent::Invitation { token } => Self::Invitation { token: token.expose().into() },
            MailContent::Welcome => Self::Welcome,
            MailContent::PasswordChanged => Self::PasswordChanged,
            MailContent::ConfirmNewEmail { token } => Self::ConfirmNewEmail { token: token.expose().into() },
            MailContent::EmailChangeRequested => Self::EmailChangeRequested,
            MailContent::EmailChanged => Self::EmailChanged,
            MailContent::NewSignIn { client, time } => Self::NewSignIn {
                ip_address: client.ip_address,
                user_agent: client.user_agent.as_str().into(),
                unix_time: time.unix_timestamp(),
            },
        }
    }

    fn into_content(self) -> Result<MailContent, SealError> {
        Ok(match self {
            Self::VerifyEmail { token } => MailContent::VerifyEmail { token: Secret::new(token) },
            Self::AlreadyRegistered => MailContent::AlreadyRegistered,
            Self::ResetPassword { token } => MailContent::ResetPassword { token: Secret::new(token) },
            Self::Invitation { token } => MailContent::Invitation { token: Secret::new(token) },
            Self::Welcome => MailContent::Welcome,
            Self::PasswordChanged => MailContent::PasswordChanged,
            Self::ConfirmNewEmail { token } => MailContent::ConfirmNewEmail { token: Secret::new(token) },
            Self::EmailChangeRequested => MailContent::EmailChangeRequested,
            Self::EmailChanged => MailContent::EmailChanged,
            Self::NewSignIn { ip_address, user_agent, unix_time } => MailContent::NewSignIn {
                client: Client::new(ip_address, &user_agent),
                time: Timestamp::from_unix_timestamp(unix_time).map_err(|_| SealError::Damaged)?,
            },
        })
    }
}
