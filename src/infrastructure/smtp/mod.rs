//! Mail over SMTP (RFC 5321, RFC 6409).
//!
//! The steps are taken one by one, as it matters which of them the server refused: a wrong password or a sender that
//! the server does not like is the operator's to mend and must not lose mail, a recipient that does not exist must not
//! be tried for ever. lettre's feature `tracing` stays off, as it logs all that is said, the password included.

pub mod smtp_hello;
pub mod smtp_url;

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::{fs, io};

use async_trait::async_trait;
use lettre::Message;
use lettre::transport::smtp::Error as LettreError;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use self::line_by_line::LineByLine;
use self::smtp_hello::SmtpHello;
use self::step::{SmtpFailure, Step};
use super::mail::mail_writer::MailWriter;
use super::smtp::smtp_url::{Protection, SmtpUrl};
use crate::application::ports::{MailRejected, Mailer};
use crate::domain::mail::Mail;

mod line_by_line;
mod step;
#[cfg(test)]
mod tests;

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
    Certificates(#[from] LettreError),
}

enum Encryption {
    None,
    StartTls(TlsParameters),
    FromStart(TlsParameters),
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
            Protection::Tls => Encryption::FromStart(tls(&settings)?),
            Protection::StartTls => Encryption::StartTls(tls(&settings)?),
            Protection::Plaintext => Encryption::None,
        };
        let SmtpUrl { host, port, credentials, .. } = settings.url;
        Ok(Self { host, port, encryption, credentials, client: settings.hello.into(), writer })
    }

    /// A connection that is encrypted and signed in, as far as the settings demand it.
    async fn connect(&self) -> Result<AsyncSmtpConnection, SmtpFailure> {
        let mut connection = match &self.encryption {
            Encryption::None => self.begin().await?,
            Encryption::FromStart(tls) => self.begin_with_tls(tls.clone()).await?,
            Encryption::StartTls(tls) => self.begin_with_starttls(tls.clone()).await?,
        };
        if let Some(credentials) = &self.credentials {
            Step::Credentials.take(connection.auth(DEFAULT_MECHANISMS, credentials)).await?;
        }
        Ok(connection)
    }

    /// With TLS from the first byte, the greeting and EHLO are one step: what is sent cannot be seen from here.
    async fn begin_with_tls(&self, tls: TlsParameters) -> Result<AsyncSmtpConnection, SmtpFailure> {
        let server = (self.host.as_str(), self.port);
        let (limit, client) = (Some(ADDRESS_TIME_LIMIT), &self.client);
        let connecting = AsyncSmtpConnection::connect_tokio1(server, limit, client, Some(tls), None);
        Step::Connection.take(connecting).await
    }

    async fn begin(&self) -> Result<AsyncSmtpConnection, SmtpFailure> {
        let stream = LineByLine::new(Step::Connection.take(self.dial()).await?);
        let has_spoken = stream.has_spoken();
        let begun = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.client);
        Step::Connection.take(begun).await.map_err(|failure| {
            if has_spoken.load(Ordering::Relaxed) { failure.rather_at(Step::Hello) } else { failure }
        })
    }

    async fn begin_with_starttls(&self, tls: TlsParameters) -> Result<AsyncSmtpConnection, SmtpFailure> {
        let mut connection = self.begin().await?;
        Step::StartTls.take(connection.starttls(tls, &self.client)).await?;
        Ok(connection)
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
        let mut connection = self.connect().await.map_err(hidden)?;
        let outcome = hand_over(&mut connection, &message).await.map_err(hidden);
        // After a time-out nobody knows what the server would take a QUIT for.
        if !matches!(outcome, Err(SmtpFailure::TimedOut(_))) {
            // The outcome of the mail is settled; an error of QUIT does not change it.
            let _ = Step::Farewell.take(connection.quit()).await;
        }
        Ok(outcome?)
    }
}

async fn hand_over(connection: &mut AsyncSmtpConnection, message: &Message) -> Result<(), SmtpFailure> {
    let envelope = message.envelope();
    Step::Sender.take(connection.command(MailFrom::new(envelope.from().cloned(), Vec::new()))).await?;
    for recipient in envelope.to() {
        Step::Recipient.take(connection.command(Rcpt::new(recipient.clone(), Vec::new()))).await?;
    }
    Step::Data.take(connection.command(Data)).await?;
    Step::Message.take(connection.message(&message.formatted())).await?;
    Ok(())
}

/// The certificate must be valid for the host of the URL; nothing switches that off.
fn tls(settings: &SmtpSettings) -> Result<TlsParameters, SmtpSetupError> {
    let mut tls = TlsParameters::builder(settings.url.host.clone());
    if let Some(file) = &settings.ca_file {
        let pem = fs::read(file).map_err(SmtpSetupError::CaFile)?;
        // lettre takes a file without certificates for an empty list of them.
        if !String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") {
            return Err(SmtpSetupError::NoCertificate);
        }
        tls = tls.add_root_certificate(Certificate::from_pem(&pem)?);
    }
    Ok(tls.build()?)
}
