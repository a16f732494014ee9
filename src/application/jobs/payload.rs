//! What jobs carry, as JSON, in which form it is stored. A form that was stored once has to be read by later versions too.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::payload_parts::{ChangePayload, OccasionPayload, read_time};
use crate::domain::Timestamp;
use crate::domain::account::email::EmailAddress;
use crate::domain::account::profile::{DisplayName, Locale};
use crate::domain::id::MailId;
use crate::domain::mail::{Mail, MailContent};
use crate::domain::secret::Secret;

/// The bytes are not what a job of the kind carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what the job carries cannot be read by this version")]
pub(super) struct InvalidPayload;

/// A mail without its id, which is that of the job.
#[derive(Serialize, Deserialize)]
pub(super) struct MailPayload<'a> {
    recipient: Cow<'a, str>,
    display_name: Cow<'a, str>,
    locale: Option<Cow<'a, str>>,
    content: ContentPayload<'a>,
    /// When the token in it expires, in seconds since 1970. Mail of earlier versions does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expire_unix_time: Option<i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum ContentPayload<'a> {
    VerifyEmail {
        token: Cow<'a, str>,
    },
    AlreadyRegistered,
    ResetPassword {
        token: Cow<'a, str>,
    },
    Invitation {
        token: Cow<'a, str>,
    },
    AccountDeleted {
        erase_unix_time: i64,
    },
    AccountWasDeleted {
        erase_unix_time: i64,
    },
    AccountSuspended,
    Welcome,
    PasswordChanged,
    ConfirmNewEmail {
        token: Cow<'a, str>,
    },
    EmailChangeRequested,
    EmailChanged,
    ApiKeyChanged(OccasionPayload<'a>),
    NewSignIn(OccasionPayload<'a>),
    FactorsChanged {
        change: ChangePayload<'a>,
        #[serde(flatten)]
        occasion: OccasionPayload<'a>,
    },
    FactorsReset,
    FactorResetPending {
        token: Cow<'a, str>,
        unix_time: i64,
    },
    SecondFactorFailed(OccasionPayload<'a>),
}

impl<'a> MailPayload<'a> {
    /// A mail, and when the token in it expires, if it carries one.
    pub(super) fn new(mail: &'a Mail, expire_time: Option<Timestamp>) -> Self {
        Self {
            recipient: mail.recipient.written().into(),
            display_name: mail.display_name.as_str().into(),
            locale: mail.locale.as_ref().map(|locale| locale.as_str().into()),
            content: ContentPayload::new(&mail.content),
            expire_unix_time: expire_time.map(Timestamp::unix_timestamp),
        }
    }

    /// Writes JSON.
    pub(super) fn to_json(&self) -> Result<Zeroizing<Vec<u8>>, InvalidPayload> {
        serde_json::to_vec(self).map(Zeroizing::new).map_err(|_| InvalidPayload)
    }

    /// Reads JSON.
    pub(super) fn from_json(json: &'a [u8]) -> Result<Self, InvalidPayload> {
        serde_json::from_slice(json).map_err(|_| InvalidPayload)
    }

    /// Whether the token in it is of no use any more.
    pub(super) fn is_expired(&self, now: Timestamp) -> bool {
        self.expire_unix_time.is_some_and(|time| time <= now.unix_timestamp())
    }

    /// The mail.
    pub(super) fn into_mail(self, id: MailId) -> Result<Mail, InvalidPayload> {
        Ok(Mail {
            id,
            recipient: EmailAddress::parse(&self.recipient).map_err(|_| InvalidPayload)?,
            display_name: DisplayName::parse(&self.display_name).map_err(|_| InvalidPayload)?,
            locale: self.locale.map(|tag| Locale::parse(&tag)).transpose().map_err(|_| InvalidPayload)?,
            content: self.content.into_content()?,
        })
    }
}

impl<'a> ContentPayload<'a> {
    fn new(content: &'a MailContent) -> Self {
        match content {
            MailContent::VerifyEmail { token } => Self::VerifyEmail { token: token.expose().into() },
            MailContent::AlreadyRegistered => Self::AlreadyRegistered,
            MailContent::ResetPassword { token } => Self::ResetPassword { token: token.expose().into() },
            MailContent::Invitation { token } => Self::Invitation { token: token.expose().into() },
            MailContent::AccountDeleted { erase_time } => {
                Self::AccountDeleted { erase_unix_time: erase_time.unix_timestamp() }
            }
            MailContent::AccountWasDeleted { erase_time } => {
                Self::AccountWasDeleted { erase_unix_time: erase_time.unix_timestamp() }
            }
            MailContent::AccountSuspended => Self::AccountSuspended,
            MailContent::Welcome => Self::Welcome,
            MailContent::PasswordChanged => Self::PasswordChanged,
            MailContent::ConfirmNewEmail { token } => Self::ConfirmNewEmail { token: token.expose().into() },
            MailContent::EmailChangeRequested => Self::EmailChangeRequested,
            MailContent::EmailChanged => Self::EmailChanged,
            MailContent::ApiKeyChanged { client, time } => Self::ApiKeyChanged(OccasionPayload::new(client, *time)),
            MailContent::NewSignIn { client, time } => Self::NewSignIn(OccasionPayload::new(client, *time)),
            MailContent::FactorsChanged { change, client, time } => Self::FactorsChanged {
                change: ChangePayload::new(*change),
                occasion: OccasionPayload::new(client, *time),
            },
            MailContent::FactorsReset => Self::FactorsReset,
            MailContent::FactorResetPending { token, time } => {
                Self::FactorResetPending { token: token.expose().into(), unix_time: time.unix_timestamp() }
            }
            MailContent::SecondFactorFailed { client, time } => {
                Self::SecondFactorFailed(OccasionPayload::new(client, *time))
            }
        }
    }

    fn into_content(self) -> Result<MailContent, InvalidPayload> {
        Ok(match self {
            Self::VerifyEmail { token } => MailContent::VerifyEmail { token: Secret::new(token) },
            Self::AlreadyRegistered => MailContent::AlreadyRegistered,
            Self::ResetPassword { token } => MailContent::ResetPassword { token: Secret::new(token) },
            Self::Invitation { token } => MailContent::Invitation { token: Secret::new(token) },
            Self::AccountDeleted { erase_unix_time } => {
                MailContent::AccountDeleted { erase_time: read_time(erase_unix_time)? }
            }
            Self::AccountWasDeleted { erase_unix_time } => {
                MailContent::AccountWasDeleted { erase_time: read_time(erase_unix_time)? }
            }
            Self::AccountSuspended => MailContent::AccountSuspended,
            Self::Welcome => MailContent::Welcome,
            Self::PasswordChanged => MailContent::PasswordChanged,
            Self::ConfirmNewEmail { token } => MailContent::ConfirmNewEmail { token: Secret::new(token) },
            Self::EmailChangeRequested => MailContent::EmailChangeRequested,
            Self::EmailChanged => MailContent::EmailChanged,
            Self::ApiKeyChanged(at) => at.told(|client, time| MailContent::ApiKeyChanged { client, time })?,
            Self::NewSignIn(at) => at.told(|client, time| MailContent::NewSignIn { client, time })?,
            Self::FactorsChanged { change, occasion } => {
                let change = change.into_change()?;
                occasion.told(|client, time| MailContent::FactorsChanged { change, client, time })?
            }
            Self::FactorsReset => MailContent::FactorsReset,
            Self::FactorResetPending { token, unix_time } => {
                MailContent::FactorResetPending { token: Secret::new(token), time: read_time(unix_time)? }
            }
            Self::SecondFactorFailed(at) => at.told(|client, time| MailContent::SecondFactorFailed { client, time })?,
        })
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;
    use crate::domain::credential::factor::FactorKind;
    use crate::domain::mail;
    use crate::domain::mail::FactorsChange;
    use crate::domain::session::client::Client;

    fn mail(content: MailContent, locale: Option<Locale>) -> Mail {
        Mail {
            id: MailId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap(),
            recipient: EmailAddress::parse("Canary@B\u{fc}cher.example").unwrap(),
            display_name: DisplayName::parse("Canary \"O'Neil\"").unwrap(),
            locale,
            content,
        }
    }

    #[test]
    fn each_kind_of_mail_round_trips() {
        let client = Client::new([192, 0, 2, 1].into(), "canary");
        let time = Timestamp::UNIX_EPOCH + Duration::hours(1);
        let changes = mail::fixture::changes().into_iter();
        let changes = changes.map(|change| MailContent::FactorsChanged { change, client: client.clone(), time });
        for content in mail::fixture::contents().chain(changes) {
            for locale in [None, Some(Locale::parse("de-CH").unwrap())] {
                let mail = mail(content.clone(), locale);
                let json = MailPayload::new(&mail, None).to_json().unwrap();
                assert_eq!(MailPayload::from_json(&json).unwrap().into_mail(mail.id), Ok(mail));
            }
        }
    }

    #[test]
    fn a_mail_is_expired_with_its_token() {
        let (mail, time) = (mail(MailContent::Welcome, None), Timestamp::UNIX_EPOCH + Duration::hours(1));
        let is_expired = |expire_time, now| {
            let json = MailPayload::new(&mail, expire_time).to_json().unwrap();
            MailPayload::from_json(&json).unwrap().is_expired(now)
        };
        assert!(!is_expired(Some(time), time - Duration::MICROSECOND));
        assert!(is_expired(Some(time), time));
        assert!(!is_expired(None, time + Duration::days(1000)));
    }

    #[test]
    fn mail_that_an_earlier_version_wrote_is_read() {
        let json = br#"{"recipient":"a@b.de","display_name":"","locale":null,
            "content":{"kind":"reset_password","token":"canary-token"}}"#;
        let payload = MailPayload::from_json(json).unwrap();
        assert!(!payload.is_expired(Timestamp::UNIX_EPOCH + Duration::days(100_000)));
        let token = Secret::new("canary-token");
        assert_eq!(payload.into_mail(MailId::NOBODY).unwrap().content, MailContent::ResetPassword { token });
    }

    #[test]
    fn each_form_is_read_as_it_was_first_stored() {
        let place = r#""ip_address":"192.0.2.1","user_agent":"app","unix_time":60"#;
        let (client, time) = (Client::new([192, 0, 2, 1].into(), "app"), Timestamp::UNIX_EPOCH + Duration::minutes(1));
        let changed = |change| MailContent::FactorsChanged { change, client: client.clone(), time };
        for (stored, content) in [
            (format!(r#""api_key_changed",{place}"#), MailContent::ApiKeyChanged { client: client.clone(), time }),
            (format!(r#""new_sign_in",{place}"#), MailContent::NewSignIn { client: client.clone(), time }),
            (
                format!(r#""second_factor_failed",{place}"#),
                MailContent::SecondFactorFailed { client: client.clone(), time },
            ),
            (
                format!(r#""factors_changed","change":{{"kind":"removed","factor":"passkey"}},{place}"#),
                changed(FactorsChange::Removed(FactorKind::Passkey)),
            ),
            (
                format!(r#""factors_changed","change":{{"kind":"recovery_code_used","remaining":3}},{place}"#),
                changed(FactorsChange::RecoveryCodeUsed { remaining: 3 }),
            ),
            (
                r#""factor_reset_pending","token":"canary-token","unix_time":60"#.to_owned(),
                MailContent::FactorResetPending { token: Secret::new("canary-token"), time },
            ),
            (r#""factors_reset""#.to_owned(), MailContent::FactorsReset),
            (r#""account_suspended""#.to_owned(), MailContent::AccountSuspended),
            (r#""account_deleted","erase_unix_time":60"#.to_owned(), MailContent::AccountDeleted { erase_time: time }),
            (
                r#""account_was_deleted","erase_unix_time":60"#.to_owned(),
                MailContent::AccountWasDeleted { erase_time: time },
            ),
        ] {
            let json =
                format!(r#"{{"recipient":"a@b.de","display_name":"","locale":null,"content":{{"kind":{stored}}}}}"#);
            let mail = MailPayload::from_json(json.as_bytes()).unwrap().into_mail(MailId::NOBODY).unwrap();
            assert_eq!(mail.content, content, "{json}");
        }
    }

    #[test]
    fn other_bytes_are_refused() {
        for json in ["", "{}", "null", r#"{"recipient":"a","display_name":"","locale":null,"content":{"kind":"x"}}"#] {
            assert!(MailPayload::from_json(json.as_bytes()).is_err(), "{json}");
        }
    }
}
