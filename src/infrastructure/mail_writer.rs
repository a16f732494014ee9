//! Turns a mail into an Internet message (RFC 5322).

use std::sync::Arc;
use std::time::SystemTime;

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};
use time::Duration;

use super::link_base::LinkBase;
use super::mail_templates::{Templates, Words};
use crate::application::ports::Clock;
use crate::domain::email::EmailAddress;
use crate::domain::mail::{Mail, MailContent};
use crate::domain::profile::DisplayName;
use crate::domain::secret::Secret;

/// Why a mail cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A template and the words it was given do not go together.
    #[error("the mail's template cannot be rendered")]
    Template(#[from] minijinja::Error),
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
    /// The address, with the name shown beside it unless that is empty.
    pub fn new(name: &str, address: &EmailAddress) -> Result<Self, WriteError> {
        let name = Some(name.to_owned()).filter(|name| !name.is_empty());
        Ok(Self(Mailbox { name, email: smtp_address(address)? }))
    }
}

/// What all mail has in common.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// Who mail comes from. Its domain also makes `Message-ID` unique.
    pub from: Sender,
    /// What people know the service by: the host of the issuer.
    pub service: String,
    /// Where links lead. Without it, mail shows the token itself.
    pub link_base: Option<LinkBase>,
    /// How long a token for `VerifyEmail` works.
    pub verify_email_validity: Duration,
    /// How long a token for `ResetPassword` works.
    pub reset_password_validity: Duration,
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
    settings: MailSettings,
    templates: Templates,
    clock: Arc<dyn Clock>,
}

impl MailWriter {
    /// Parses the templates.
    pub fn new(settings: MailSettings, clock: Arc<dyn Clock>) -> Result<Self, WriteError> {
        Ok(Self { settings, templates: Templates::new()?, clock })
    }

    /// Writes the mail in the reader's language, as text and as HTML.
    pub fn write(&self, mail: &Mail) -> Result<Message, WriteError> {
        let rendered = self.templates.render(mail.content.kind(), mail.locale.as_ref(), &self.words(mail))?;
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
        let (page, token, validity) = match content {
            MailContent::VerifyEmail { token } => ("verify-email", token, self.settings.verify_email_validity),
            MailContent::ResetPassword { token } => ("reset-password", token, self.settings.reset_password_validity),
            MailContent::ConfirmNewEmail { token } => ("confirm-email", token, self.settings.verify_email_validity),
            MailContent::AlreadyRegistered
            | MailContent::PasswordChanged
            | MailContent::EmailChangeRequested
            | MailContent::EmailChanged => return None,
        };
        let link = self.settings.link_base.as_ref().map(|base| base.link(page, token));
        Some(Action { token, link, validity })
    }

    fn words<'a>(&'a self, mail: &'a Mail) -> Words<'a> {
        let words = Words { service: &self.settings.service, name: greeting(&mail.display_name), ..Words::default() };
        match self.action(&mail.content) {
            None => words,
            Some(Action { token, link, validity }) => {
                Words { token: Some(token.expose()), link, minutes: Some(validity.whole_minutes()), ..words }
            }
        }
    }
}

/// The name to greet by: none if mail programs could make a link of it. Whoever signs up with the address of another
/// chooses the name, and would have us mail his advertisement.
fn greeting(name: &DisplayName) -> &str {
    let name = name.as_str().trim();
    let mut after_dots = name.split('.').skip(1).map(|rest| rest.chars().next());
    let like_a_host = after_dots.any(|next| next.is_some_and(char::is_alphanumeric));
    if like_a_host || name.contains("://") { "" } else { name }
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
pub(super) mod fixture {
    use super::*;
    use crate::domain::Timestamp;
    use crate::domain::id::MailId;

    struct StoppedClock;

    impl Clock for StoppedClock {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix_timestamp(1_700_000_000).unwrap()
        }
    }

    /// A writer whose mail comes from `id.example.com`.
    pub(crate) fn writer(link_base: Option<&str>) -> MailWriter {
        let settings = MailSettings {
            from: Sender::new("Example", &EmailAddress::parse("no-reply@id.example.com").unwrap()).unwrap(),
            service: "id.example.com".to_owned(),
            link_base: link_base.map(|base| LinkBase::new(base.to_owned())),
            verify_email_validity: Duration::hours(24),
            reset_password_validity: Duration::hours(1),
        };
        MailWriter::new(settings, Arc::new(StoppedClock)).unwrap()
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
mod tests {
    use super::*;

    fn write(mail: &Mail) -> (Vec<String>, String) {
        let text = String::from_utf8(fixture::writer(None).write(mail).unwrap().formatted()).unwrap();
        let (headers, body) = text.split_once("\r\n\r\n").unwrap();
        (headers.split("\r\n").map(str::to_owned).collect(), body.to_owned())
    }

    #[test]
    fn the_headers_are_these_and_no_others() {
        let (mut headers, _) = write(&fixture::mail());
        let boundary = headers.iter().position(|line| line.starts_with(" boundary=")).unwrap();
        headers.remove(boundary);
        assert_eq!(
            headers,
            [
                "From: Example <no-reply@id.example.com>",
                "To: Ada.L@xn--bcher-kva.example",
                "Subject: Confirm your e-mail address for id.example.com",
                "Date: Tue, 14 Nov 2023 22:13:20 +0000",
                "Message-ID: <01890a5d-ac96-774b-bcce-b302099a8057@id.example.com>",
                "Auto-Submitted: auto-generated",
                "MIME-Version: 1.0",
                "Content-Type: multipart/alternative;",
            ]
        );
    }

    #[test]
    fn a_hostile_name_stays_in_the_body() {
        let harmless = write(&fixture::mail()).0.len();
        for name in ["{{7*7}}", "=?utf-8?q?a=0D=0ABcc:_b@c?=", "\u{2028}Bcc: b@c", "\"<b@c>,", "Bcc: b@c"] {
            let (headers, _) = write(&Mail { display_name: DisplayName::parse(name).unwrap(), ..fixture::mail() });
            assert_eq!(headers.len(), harmless, "{headers:?}");
            assert!(!headers.iter().any(|line| line.starts_with("Bcc") || line.contains("7*7")), "{headers:?}");
        }
        assert!(DisplayName::parse("Ada\r\nBcc: b@c").is_err());
    }

    #[test]
    fn a_name_that_would_become_a_link_is_no_greeting() {
        for name in ["You won, see evil.example", "http://evil", "www.evil.example/?a", "evil.рф", "1.2.3.4"] {
            assert_eq!(greeting(&DisplayName::parse(name).unwrap()), "", "{name}");
        }
        for name in ["Ada", "Dr. Ada L.", "J. R. R. Tolkien", "{{7*7}}", "<script>", "Ada ..."] {
            assert_eq!(greeting(&DisplayName::parse(name).unwrap()), name);
        }
        assert_eq!(greeting(&DisplayName::parse("   ").unwrap()), "");
    }

    #[test]
    fn each_content_has_its_page_and_its_validity() {
        let writer = fixture::writer(Some("https://app.example"));
        let token = Secret::new("t");
        for (content, link, hours) in [
            (MailContent::VerifyEmail { token: token.clone() }, "https://app.example/verify-email#token=t", 24),
            (MailContent::ResetPassword { token }, "https://app.example/reset-password#token=t", 1),
        ] {
            let action = writer.action(&content).unwrap();
            assert_eq!(action.link.as_deref(), Some(link));
            assert_eq!(action.validity, Duration::hours(hours));
            let message = writer.write(&Mail { content, ..fixture::mail() }).unwrap().formatted();
            let quoted_printable = format!("\r\n\r\n{}\r\n\r\n", link.replace('=', "=3D"));
            let message = String::from_utf8(message).unwrap();
            assert!(message.contains(&quoted_printable), "{message}");
        }
        for content in [MailContent::AlreadyRegistered, MailContent::PasswordChanged] {
            assert!(writer.action(&content).is_none());
            assert!(writer.write(&Mail { content, ..fixture::mail() }).is_ok());
        }
    }

    #[test]
    fn a_sender_is_an_address_perhaps_with_a_name() {
        for (name, address, shown) in [
            ("", "no-reply@example.com", "no-reply@example.com"),
            ("Example, Inc.", "no-reply@bücher.example", "\"Example, Inc.\" <no-reply@xn--bcher-kva.example>"),
        ] {
            let sender = Sender::new(name, &EmailAddress::parse(address).unwrap()).unwrap();
            assert_eq!(sender.0.to_string(), shown);
        }
    }
}
