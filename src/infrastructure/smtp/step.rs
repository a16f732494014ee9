//! The steps of handing in a mail, and how each of them can fail.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use lettre::transport::smtp::Error as LettreError;

use crate::application::ports::MailRejected;

/// A step of handing in a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
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
    /// How long the server may take for it.
    const fn time_limit(self) -> Duration {
        match self {
            // A host may have several addresses, the first of them dead. And servers look for spam before they answer
            // for a message: who hangs up too early has it delivered twice.
            Self::Connection | Self::Message => Duration::from_secs(30),
            _ => Duration::from_secs(10),
        }
    }

    /// Waits for what the server says to it, within its time limit.
    pub async fn take<T, E: Error + 'static>(
        self,
        exchange: impl Future<Output = Result<T, E>>,
    ) -> Result<T, SmtpFailure> {
        match tokio::time::timeout(self.time_limit(), exchange).await {
            Ok(outcome) => outcome.map_err(|error| SmtpFailure::at(self, &error)),
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
pub enum SmtpFailure {
    #[error("the mail server answered {step} with {code}")]
    Refused { step: Step, code: u16, by_policy: bool },
    #[error("the mail server answered {0} with something that is not SMTP")]
    NotSmtp(Step),
    #[error("the mail server did not answer {0} in time")]
    TimedOut(Step),
    #[error("the exchange with the mail server broke at {step}: {root_cause}")]
    Broken { step: Step, root_cause: String },
}

impl SmtpFailure {
    fn at(step: Step, error: &(dyn Error + 'static)) -> Self {
        let reply = error.downcast_ref::<LettreError>();
        if let Some(code) = reply.and_then(LettreError::status) {
            // The class "security or policy" of enhanced codes (RFC 3463, section 3.8), such as 5.7.1 for a relay that
            // wants a password.
            let by_policy = error.source().is_some_and(|text| text.to_string().starts_with("5.7."));
            Self::Refused { step, code: code.into(), by_policy }
        } else if reply.is_some_and(LettreError::is_response) {
            Self::NotSmtp(step)
        } else {
            Self::Broken { step, root_cause: root_cause(error) }
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

/// lettre repeats every cause in the text of the error that it caused.
fn root_cause(error: &(dyn Error + 'static)) -> String {
    error.source().map_or_else(|| error.to_string(), root_cause)
}

impl From<SmtpFailure> for MailRejected {
    fn from(failure: SmtpFailure) -> Self {
        if failure.is_final() { Self::ForGood(Box::new(failure)) } else { Self::ForNow(Box::new(failure)) }
    }
}
