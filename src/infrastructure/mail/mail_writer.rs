//! Turns a mail into an Internet message (RFC 5322).

use std::sync::Arc;
use std::time::SystemTime;

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};
use time::{Duration, UtcOffset};

use super::link_base::LinkBase;
use crate::application::ports::Clock;
use crate::domain::Timestamp;
use crate::domain::account::email::EmailAddress;
use crate::domain::account::profile::DisplayName;
use crate::domain::mail::{Mail, MailContent};
use crate::domain::secret::Secret;
use crate::domain::session::client::Client;
use crate::domain::token::action_token::{ActionPurpose, ActionTokenLifetimes};
use crate::infrastructure::mail_templates::{ChangeWords, Details, TemplateError, Templates, Words};

/// Why a mail cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A template and the words it was given do not go together.
    #[error("the mail's template cannot be rendered")]
    Template(#[from] TemplateError),
    /// The address is none that SMTP takes.
    #[error("the mail's address is not one for SMTP")]
    Address(#[from] lettre::address::AddressError),
    /// The parts do not make a message.
    #[error("the mail cannot be put together")]
    Message(#[from] lettre::error::Error),
}

/// Who mail comes from, perhaps with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender(Mailbox);

impl Sender {
    /// The domain of the address.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.email.domain()
    }

    /// The address, with the name shown beside it unless that is empty.
    pub fn new(name: &str, address: &EmailAddress) -> Result<Self, WriteError> {
        let name = Some(name.to_owned()).filter(|name| !name.is_empty());
        Ok(Self(Mailbox { name, email: smtp_address(address)? }))
    }
}

/// What all messages have in common.
#[derive(Debug, Clone)]
pub struct MessageSettings {
    /// Who mail comes from. Its domain also makes `Message-ID` unique.
    pub from: Sender,
    /// What people know the service by: the host of the issuer.
    pub service: String,
    /// Where links lead. Without it, mail shows the token itself.
    pub link_base: Option<LinkBase>,
    /// How long the tokens in them work.
    pub lifetimes: ActionTokenLifetimes,
    /// Their words.
    pub templates: Templates,
}

/// What the reader of a mail can do with its token.
pub struct Action<'a> {
    /// The token itself.
    pub token: &'a Secret,
    /// The link that carries the token, if there are links.
    pub link: Option<String>,
    /// How long both work.
    pub validity: Duration,
}

/// Writes mail.
pub struct MailWriter {
    settings: MessageSettings,
    clock: Arc<dyn Clock>,
}

impl MailWriter {
    /// Takes the words to write, and the clock that dates them.
    #[must_use]
    pub fn new(settings: MessageSettings, clock: Arc<dyn Clock>) -> Self {
        Self { settings, clock }
    }

    /// Writes the mail in the reader's language, as text and as HTML.
    pub fn write(&self, mail: &Mail) -> Result<Message, WriteError> {
        let rendered = self.settings.templates.render(mail.content.kind(), mail.locale.as_ref(), &self.words(mail))?;
        let Sender(from) = &self.settings.from;
        // The address stands alone: a name beside it would be a stranger's text in a header.
        let to = Mailbox::new(None, smtp_address(&mail.recipient)?);
        let message = Message::builder()
            .from(from.clone())
            .to(to)
            .subject(rendered.subject)
            .date(SystemTime::from(self.clock.now()))
            // The same at every delivery of this mail, so that receivers can drop a repeated one.
            .message_id(Some(format!("<{}@{}>", mail.id, from.email.domain())))
            .raw_header(auto_submitted())
            .multipart(MultiPart::alternative_plain_html(rendered.text, rendered.html))?;
        Ok(message)
    }

    /// What the mail lets its reader do, if it carries a token.
    #[must_use]
    pub fn action<'a>(&self, content: &'a MailContent) -> Option<Action<'a>> {
        let (page, token, purpose) = match content {
            MailContent::VerifyEmail { token } => ("verify-email", token, ActionPurpose::VerifyEmail),
            MailContent::ResetPassword { token } => ("reset-password", token, ActionPurpose::ResetPassword),
            MailContent::Invitation { token } => ("accept-invitation", token, ActionPurpose::AcceptInvitation),
            MailContent::ConfirmNewEmail { token } => ("confirm-email", token, ActionPurpose::ChangeEmail),
            MailContent::FactorResetPending { token, .. } => {
                ("stop-factor-reset", token, ActionPurpose::StopFactorReset)
            }
            MailContent::AlreadyRegistered
            | MailContent::Welcome
            | MailContent::PasswordChanged
            | MailContent::EmailChangeRequested
            | MailContent::EmailChanged
            | MailContent::ApiKeyChanged { .. }
            | MailContent::FactorsChanged { .. }
            | MailContent::FactorsReset
            | MailContent::AccountDeleted { .. }
            | MailContent::AccountWasDeleted { .. }
            | MailContent::AccountSuspended
            | MailContent::SecondFactorFailed { .. }
            | MailContent::NewSignIn { .. } => return None,
        };
        let link = self.settings.link_base.as_ref().map(|base| base.link(page, token));
        Some(Action { token, link, validity: self.settings.lifetimes.of(purpose) })
    }

    fn words<'a>(&'a self, mail: &'a Mail) -> Words<'a> {
        Words { service: &self.settings.service, name: greeting(&mail.display_name), details: self.details(mail) }
    }

    fn details<'a>(&'a self, mail: &'a Mail) -> Details<'a> {
        if let Some(Action { token, link, validity }) = self.action(&mail.content) {
            let time = match &mail.content {
                MailContent::FactorResetPending { time, .. } => Some(in_utc(*time)),
                _ => None,
            };
            return Details::Action { link, token: token.expose(), minutes: validity.whole_minutes(), time };
        }
        match &mail.content {
            MailContent::ApiKeyChanged { client, time }
            | MailContent::SecondFactorFailed { client, time }
            | MailContent::NewSignIn { client, time } => from(client, *time, None),
            MailContent::FactorsChanged { change, client, time } => from(client, *time, Some((*change).into())),
            MailContent::AccountDeleted { erase_time } | MailContent::AccountWasDeleted { erase_time } => {
                Details::At(in_utc(*erase_time))
            }
            _ => Details::None,
        }
    }
}

fn from(client: &Client, time: Timestamp, change: Option<ChangeWords>) -> Details<'_> {
    let (time, address) = (in_utc(time), client.ip_address.to_string());
    Details::From { time, address, program: program(&client.user_agent), change }
}

/// The time to the second, in the form that is read alike in every language (ISO 8601).
fn in_utc(time: Timestamp) -> String {
    let time = time.to_offset(UtcOffset::UTC);
    format!("{} {:02}:{:02}:{:02} UTC", time.date(), time.hour(), time.minute(), time.second())
}

/// The name to greet by: none if mail programs could make a link of it. Whoever signs up with the address of another
/// chooses the name, and would have us mail his advertisement.
fn greeting(name: &DisplayName) -> &str {
    let name = name.as_str().trim();
    let mut after_dots = name.split('.').skip(1).map(|rest| rest.chars().next());
    let like_a_host = after_dots.any(|next| next.is_some_and(char::is_alphanumeric));
    if like_a_host || name.contains("://") { "" } else { name }
}

/// The user agent to show: none if mail programs could make a link of it, for the same reason. Versions are no links, and
/// what is not printable ASCII is in no honest user agent.
fn program(user_agent: &str) -> &str {
    let mut after_dots = user_agent.split('.').skip(1).map(|rest| rest.chars().next());
    let like_a_host = after_dots.any(|next| next.is_some_and(char::is_alphabetic));
    let is_plain = user_agent.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if like_a_host || !is_plain || user_agent.contains("//") || user_agent.contains('@') {
        ""
    } else {
        user_agent.trim()
    }
}

/// The address with the local part as written, as only its owner may say whether case matters (RFC 5321, section 2.4),
/// and the domain in A-labels, as most servers take no others.
fn smtp_address(email: &EmailAddress) -> Result<Address, lettre::address::AddressError> {
    let local = email.written().rsplit_once('@').map_or("", |(local, _)| local);
    let domain = email.canonical().rsplit_once('@').map_or("", |(_, domain)| domain);
    Address::new(local, domain)
}

/// Keeps vacation notices from being sent in reply (RFC 3834, section 5).
fn auto_submitted() -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned())
}

/// What the tests of the mailers share.
#[cfg(test)]
pub(in crate::infrastructure) mod fixture {
    use super::*;
    use crate::domain::id::MailId;

    struct StoppedClock;

    impl Clock for StoppedClock {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix_timestamp(1_700_000_000).unwrap()
        }
    }

    /// A writer whose mail comes from `id.example.com`.
    pub(crate) fn writer(link_base: Option<&str>) -> MailWriter {
        let settings = MessageSettings {
            from: Sender::new("Example", &EmailAddress::parse("no-reply@id.example.com").unwrap()).unwrap(),
            service: "id.example.com".to_owned(),
            link_base: link_base.map(|base| LinkBase::new(base.to_owned())),
            lifetimes: ActionTokenLifetimes {
                verification: Duration::hours(24),
                reset: Duration::hours(1),
                invitation: Duration::days(7),
            },
            templates: Templates::embedded().unwrap(),
        };
        MailWriter::new(settings, Arc::new(StoppedClock))
    }

    /// A mail with the token `T0ken_-` to an international domain.
    pub(crate) fn mail() -> Mail {
        Mail {
            id: MailId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap(),
            recipient: EmailAddress::parse("Ada.L@bücher.example").unwrap(),
            display_name: DisplayName::parse("Ada").unwrap(),
            locale: None,
            content: MailContent::VerifyEmail { token: Secret::new("T0ken_-") },
        }
    }
}

#[cfg(test)]
mod tests;
