//! The steps of handing in a mail, and how each of them can fail.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::conversation::ExchangeError;
use crate::application::ports::MailRejected;
use crate::domain::account::email::EmailAddress;
use crate::infrastructure::tls_fault::tls_fault;

/// How many characters of a server's answer are kept.
const MAX_WORDS_CHARS: usize = 120;
/// What stands for a word that may be an address.
const HIDDEN: &str = "(address)";

/// A step of handing in a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Connection,
    /// What comes after the greeting.
    Hello,
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
    pub(super) async fn take<T>(
        self,
        exchange: impl Future<Output = Result<T, ExchangeError>>,
    ) -> Result<T, SmtpFailure> {
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
            Self::Hello => "EHLO",
            Self::StartTls => "STARTTLS",
            Self::Credentials => "AUTH (user and password)",
            Self::Sender => "MAIL FROM (the sender)",
            Self::Recipient => "RCPT TO (the recipient)",
            Self::Data => "DATA",
            Self::Message => "the message after DATA",
            Self::Farewell => "QUIT",
        })
    }
}

/// Why the server did not take a mail, in its own words: without whatever might be an address, as this goes to the log and
/// to operators.
#[derive(Debug, thiserror::Error)]
pub enum SmtpFailure {
    #[error("the mail server answered {step} with {code} {words}")]
    Refused { step: Step, code: u16, words: String },
    #[error("the mail server answered {0} with something that is not SMTP")]
    NotSmtp(Step),
    #[error("the mail server's answer to {0} is too long")]
    TooLong(Step),
    #[error("the mail server closed the connection instead of answering {0}")]
    Closed(Step),
    #[error("the mail server did not answer {0} in time")]
    TimedOut(Step),
    #[error("the exchange with the mail server broke at {step}: {root_cause}")]
    Broken { step: Step, root_cause: String },
}

impl SmtpFailure {
    fn at(step: Step, error: ExchangeError) -> Self {
        match error {
            ExchangeError::Refused { code, words } => Self::Refused { step, code, words: without_addresses(&words) },
            ExchangeError::NotSmtp => Self::NotSmtp(step),
            ExchangeError::TooLong => Self::TooLong(step),
            ExchangeError::Closed => Self::Closed(step),
            ExchangeError::NotOffered(_) => Self::Broken { step, root_cause: error.to_string() },
            ExchangeError::Broken(error) => {
                Self::Broken { step, root_cause: tls_fault(&error).unwrap_or_else(|| root_cause(&error)) }
            }
        }
    }

    /// The failure without the recipient's name, which servers like to repeat.
    #[must_use]
    pub fn hiding(mut self, recipient: &EmailAddress) -> Self {
        if let Self::Refused { words, .. } = &mut self {
            let name = recipient.local_part();
            // A name of a letter or two is in most words.
            let is_name = |word: &str| match name.len() {
                ..4 => word.trim_matches(|c: char| !c.is_alphanumeric()).eq_ignore_ascii_case(name),
                _ => word.to_ascii_lowercase().contains(name),
            };
            *words = replace_words(words, is_name);
        }
        self
    }

    /// Whether the recipient or the message is at fault, rather than the settings on either side.
    fn is_final(&self) -> bool {
        let Self::Refused { step, code, words } = self else { return false };
        match code {
            // Too large, whichever step says so (RFC 1870).
            552 => true,
            // The codes 530 to 538 ask for a password or a better one (RFC 4954, section 6).
            530..=538 => false,
            // The class "security or policy" of enhanced codes (RFC 3463, section 3.8), such as 5.7.1 for a relay that
            // wants a password.
            _ if words.starts_with("5.7.") => false,
            _ => matches!(step, Step::Recipient | Step::Message) && *code >= 500,
        }
    }
}

/// The words of a server on one line, at most as many as an operator needs, without those that may be an address.
fn without_addresses(words: &str) -> String {
    let line: String = words.replace(char::is_control, " ").chars().take(MAX_WORDS_CHARS).collect();
    replace_words(&line, |word| word.contains('@'))
}

fn replace_words(line: &str, is_hidden: impl Fn(&str) -> bool) -> String {
    let words = line.split_whitespace().map(|word| if is_hidden(word) { HIDDEN } else { word });
    words.collect::<Vec<_>>().join(" ")
}

/// Errors of input and output repeat their cause.
fn root_cause(error: &(dyn Error + 'static)) -> String {
    error.source().map_or_else(|| error.to_string(), root_cause)
}

impl From<SmtpFailure> for MailRejected {
    fn from(failure: SmtpFailure) -> Self {
        if failure.is_final() { Self::ForGood(Box::new(failure)) } else { Self::ForNow(Box::new(failure)) }
    }
}
