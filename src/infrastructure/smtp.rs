//! Mail over SMTP (RFC 5321, RFC 6409).
//!
//! The steps are taken one by one, as it matters which of them the server refused: a wrong password or a sender that
//! the server does not like is the operator's to mend and must not lose mail, a recipient that does not exist must not
//! be tried for ever. lettre's feature `tracing` stays off, as it logs all that is said, the password included.

use std::error::Error as _;
use std::path::PathBuf;
use std::time::Duration;
use std::{fmt, fs, io};

use async_trait::async_trait;
use lettre::Message;
use lettre::transport::smtp::Error as LettreError;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::ClientId;

use super::mail_writer::MailWriter;
use super::smtp_url::{Protection, SmtpUrl};
use crate::application::ports::{MailRejected, Mailer};
use crate::domain::mail::Mail;

#[cfg(test)]
mod tests;

/// Where and how mail is handed in.
#[derive(Debug, Clone)]
pub struct SmtpSettings {
    /// The mail server.
    pub url: SmtpUrl,
    /// Certificates in PEM that are trusted beside those of the operating system.
    pub ca_file: Option<PathBuf>,
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

/// Hands mail to a mail server, over a connection of its own for each. A delivery takes two minutes at most.
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
        Ok(Self { host, port, encryption, credentials, client: ClientId::default(), writer })
    }

    /// A connection that is encrypted and signed in, as far as the settings demand it.
    async fn connect(&self) -> Result<AsyncSmtpConnection, SmtpFailure> {
        let tls = match &self.encryption {
            Encryption::FromStart(tls) => Some(tls.clone()),
            Encryption::StartTls(_) | Encryption::None => None,
        };
        let server = (self.host.as_str(), self.port);
        let each_address = Some(Step::Sender.time_limit());
        let connecting = AsyncSmtpConnection::connect_tokio1(server, each_address, &self.client, tls, None);
        let mut connection = Step::Connection.take(connecting).await?;
        if let Encryption::StartTls(tls) = &self.encryption {
            Step::StartTls.take(connection.starttls(tls.clone(), &self.client)).await?;
        }
        if let Some(credentials) = &self.credentials {
            Step::Credentials.take(connection.auth(DEFAULT_MECHANISMS, credentials)).await?;
        }
        Ok(connection)
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn deliver(&self, mail: &Mail) -> Result<(), MailRejected> {
        let message = self.writer.write(mail).map_err(|error| MailRejected::ForGood(Box::new(error)))?;
        let mut connection = self.connect().await?;
        let outcome = hand_over(&mut connection, &message).await;
        // After a time-out nobody knows what the server would take a QUIT for.
        if !matches!(outcome, Err(SmtpFailure::TimedOut(_))) {
            // The mail's fate is known; how the farewell goes changes nothing.
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Connection,
    StartTls,
    Credentials,
    Sender,
    Recipient,
    Data,
    Message,
    Farewell,
}

impl Step {
    const fn time_limit(self) -> Duration {
        match self {
            // A host may have several addresses, the first of them dead. And servers look for spam before they answer
            // for a message: who hangs up too early has it delivered twice.
            Self::Connection | Self::Message => Duration::from_secs(30),
            _ => Duration::from_secs(10),
        }
    }

    async fn take<T>(self, exchange: impl Future<Output = Result<T, LettreError>>) -> Result<T, SmtpFailure> {
        match tokio::time::timeout(self.time_limit(), exchange).await {
            Ok(outcome) => outcome.map_err(|error| SmtpFailure::at(self, error)),
            Err(_) => Err(SmtpFailure::TimedOut(self)),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connection => "the connection",
            Self::StartTls => "STARTTLS",
            Self::Credentials => "the user and password",
            Self::Sender => "the sender",
            Self::Recipient => "the recipient",
            Self::Data => "DATA",
            Self::Message => "the message",
            Self::Farewell => "QUIT",
        })
    }
}

/// Why the server did not take a mail. Of its answer only the code is kept: the text often repeats the recipient's
/// address, and this goes to the log.
#[derive(Debug, thiserror::Error)]
enum SmtpFailure {
    #[error("the mail server answered {step} with {code}")]
    Refused { step: Step, code: u16, by_policy: bool },
    #[error("the mail server answered {0} with something that is not SMTP")]
    NotSmtp(Step),
    #[error("the mail server did not answer {0} in time")]
    TimedOut(Step),
    #[error("the exchange with the mail server broke at {0}")]
    Broken(Step, #[source] LettreError),
}

impl SmtpFailure {
    fn at(step: Step, error: LettreError) -> Self {
        match error.status() {
            Some(code) => {
                // The class "security or policy" of enhanced codes (RFC 3463, section 3.8), such as 5.7.1 for a relay
                // that wants a password.
                let by_policy = error.source().is_some_and(|text| text.to_string().starts_with("5.7."));
                Self::Refused { step, code: code.into(), by_policy }
            }
            None if error.is_response() => Self::NotSmtp(step),
            None => Self::Broken(step, error),
        }
    }

    /// Whether the recipient or the message is at fault, rather than the settings on either side.
    const fn is_final(&self) -> bool {
        match self {
            // The codes 530 to 538 ask for a password or a better one (RFC 4954, section 6).
            Self::Refused { code: 530..=538, .. } | Self::Refused { by_policy: true, .. } => false,
            Self::Refused { step: Step::Recipient | Step::Message, code, .. } => *code >= 500,
            _ => false,
        }
    }
}

impl From<SmtpFailure> for MailRejected {
    fn from(failure: SmtpFailure) -> Self {
        if failure.is_final() { Self::ForGood(Box::new(failure)) } else { Self::ForNow(Box::new(failure)) }
    }
}
