//! Mail over SMTP (RFC 5321, RFC 6409).
//!
//! The steps are taken one by one, as it matters which of them the server refused: a wrong password or a sender that
//! the server does not like is the operator's to mend and must not lose mail, a recipient that does not exist must not
//! be tried for ever.

pub mod smtp_hello;
pub mod smtp_url;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use lettre::Message;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Quit, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use self::conversation::{Conversation, ExchangeError};
use self::smtp_hello::SmtpHello;
use self::step::{SmtpFailure, Step};
use self::tls::Tls;
use super::mail::mail_writer::MailWriter;
use super::smtp::smtp_url::{Protection, SmtpUrl};
use crate::application::ports::{Cause, MailRejected, Mailer};
use crate::domain::mail::Mail;

mod conversation;
mod step;
#[cfg(test)]
mod tests;
mod tls;

/// How long one address of a host is tried before the next.
const ADDRESS_TIME_LIMIT: Duration = Duration::from_secs(10);

/// Where and how mail is handed in.
#[derive(Debug, Clone)]
pub struct SmtpSettings {
    /// The mail server.
    pub url: SmtpUrl,
    /// Certificates in PEM that are trusted beside those of the operating system.
    pub ca_file: Option<PathBuf>,
    /// What this host calls itself.
    pub hello: SmtpHello,
}

/// Why the settings do not make a mailer.
#[derive(Debug, thiserror::Error)]
pub enum SmtpSetupError {
    /// The file of certificates cannot be read.
    #[error("the file of certificates cannot be read")]
    CaFile(#[source] io::Error),
    /// There is no certificate in the file.
    #[error("the file of certificates holds none in PEM")]
    NoCertificate,
    /// A certificate cannot be trusted.
    #[error("the certificates cannot be used for TLS")]
    Certificates(#[source] Cause),
    /// The host of the URL can have no certificate.
    #[error("the host of the URL is neither a name nor an address that a certificate can be for")]
    Host,
}

enum Encryption {
    None,
    StartTls(Tls),
    FromStart(Tls),
}

/// Hands mail to a mail server, over a connection of its own for each. A delivery takes 150 s at most.
pub struct SmtpMailer {
    host: String,
    port: u16,
    encryption: Encryption,
    credentials: Option<Credentials>,
    client: ClientId,
    writer: MailWriter,
}

impl SmtpMailer {
    /// Reads the certificates; does not connect yet.
    pub fn new(settings: SmtpSettings, writer: MailWriter) -> Result<Self, SmtpSetupError> {
        let encryption = match settings.url.protection {
            Protection::Tls => Encryption::FromStart(Tls::new(&settings)?),
            Protection::StartTls => Encryption::StartTls(Tls::new(&settings)?),
            Protection::Plaintext => Encryption::None,
        };
        let SmtpUrl { host, port, credentials, .. } = settings.url;
        Ok(Self { host, port, encryption, credentials, client: settings.hello.into(), writer })
    }

    /// A connection that is encrypted and signed in, as far as the settings demand it.
    async fn connect(&self) -> Result<Conversation, SmtpFailure> {
        let mut conversation = Step::Connection.take(self.begin()).await?;
        Step::Hello.take(conversation.hello(&self.client)).await?;
        if let Encryption::StartTls(tls) = &self.encryption {
            conversation = Step::StartTls.take(conversation.starttls(tls, &self.client)).await?;
        }
        if let Some(credentials) = &self.credentials {
            Step::Credentials.take(conversation.sign_in(credentials)).await?;
        }
        Ok(conversation)
    }

    async fn begin(&self) -> Result<Conversation, ExchangeError> {
        let stream = self.dial().await?;
        match &self.encryption {
            Encryption::FromStart(tls) => Conversation::begin(tls.encrypt(stream).await?).await,
            Encryption::None | Encryption::StartTls(_) => Conversation::begin(stream).await,
        }
    }

    async fn dial(&self) -> io::Result<TcpStream> {
        let mut failure = io::Error::other("the host has no address");
        for address in lookup_host((self.host.as_str(), self.port)).await? {
            match timeout(ADDRESS_TIME_LIMIT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => failure = error,
                Err(elapsed) => failure = elapsed.into(),
            }
        }
        Err(failure)
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn deliver(&self, mail: &Mail) -> Result<(), MailRejected> {
        let message = self.writer.write(mail).map_err(|error| MailRejected::ForGood(Box::new(error)))?;
        let hidden = |failure: SmtpFailure| failure.hiding(&mail.recipient);
        let mut conversation = self.connect().await.map_err(hidden)?;
        let outcome = hand_over(&mut conversation, &message).await.map_err(hidden);
        // After a time-out nobody knows what the server would take a QUIT for.
        if !matches!(outcome, Err(SmtpFailure::TimedOut(_))) {
            // The outcome of the mail is settled; an error of QUIT does not change it.
            let _ = Step::Farewell.take(conversation.command(Quit)).await;
        }
        Ok(outcome?)
    }
}

async fn hand_over(conversation: &mut Conversation, message: &Message) -> Result<(), SmtpFailure> {
    let envelope = message.envelope();
    Step::Sender.take(conversation.command(MailFrom::new(envelope.from().cloned(), Vec::new()))).await?;
    for recipient in envelope.to() {
        Step::Recipient.take(conversation.command(Rcpt::new(recipient.clone(), Vec::new()))).await?;
    }
    Step::Data.take(conversation.command(Data)).await?;
    Step::Message.take(conversation.message(&message.formatted())).await?;
    Ok(())
}
