//! What is said on a connection to a mail server: commands and replies (RFC 5321, section 4.2).
//!
//! lettre writes the commands and parses the replies. Its own connection gives up at the first letter that is not UTF-8,
//! and servers say why they refuse in the encoding of their language. It also keeps over STARTTLS what it has read ahead.

use std::fmt::Display;
use std::io;

use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::commands::{Auth, Ehlo, Starttls};
use lettre::transport::smtp::extension::{ClientId, Extension, ServerInfo};
use lettre::transport::smtp::response::Response;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

use super::tls::Tls;

/// The longest reply, in bytes.
const MAX_REPLY_BYTES: usize = 64 * 1024;
/// How often a server may ask back before it believes a password.
const MAX_CHALLENGES: usize = 10;

/// What bytes go over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for S {}

/// Why a command was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExchangeError {
    #[error("{code} {words}")]
    Refused { code: u16, words: String },
    #[error("this is not SMTP")]
    NotSmtp,
    #[error("the reply is too long")]
    TooLong,
    #[error("the server closed the connection")]
    Closed,
    #[error("the server does not offer {0}")]
    NotOffered(&'static str),
    #[error(transparent)]
    Broken(#[from] io::Error),
}

/// A connection to a mail server that has greeted.
pub(super) struct Conversation {
    stream: BufReader<Box<dyn Stream>>,
    server: ServerInfo,
}

impl Conversation {
    /// Hears the greeting.
    pub(super) async fn begin(stream: impl Stream + 'static) -> Result<Self, ExchangeError> {
        let mut conversation = Self::over(stream);
        conversation.reply().await?;
        Ok(conversation)
    }

    fn over(stream: impl Stream + 'static) -> Self {
        Self { stream: BufReader::new(Box::new(stream)), server: ServerInfo::default() }
    }

    /// Says who this is, and hears what the server can do.
    pub(super) async fn hello(&mut self, client: &ClientId) -> Result<(), ExchangeError> {
        let reply = self.command(Ehlo::new(client.clone())).await?;
        self.server = ServerInfo::from_response(&reply).map_err(|_| ExchangeError::NotSmtp)?;
        Ok(())
    }

    /// The same conversation under TLS (RFC 3207). What came before is forgotten, as it was said in plain text: somebody in
    /// between could have appended replies to that of STARTTLS, such as "mail taken".
    pub(super) async fn starttls(mut self, tls: &Tls, client: &ClientId) -> Result<Self, ExchangeError> {
        if !self.server.supports_feature(Extension::StartTls) {
            return Err(ExchangeError::NotOffered("STARTTLS"));
        }
        self.command(Starttls).await?;
        if !self.stream.buffer().is_empty() {
            return Err(io::Error::other("something follows the reply in plain text").into());
        }
        let mut conversation = Self::over(tls.encrypt(self.stream.into_inner()).await?);
        conversation.hello(client).await?;
        Ok(conversation)
    }

    /// Gives user and password.
    pub(super) async fn sign_in(&mut self, credentials: &Credentials) -> Result<(), ExchangeError> {
        let offered = self.server.get_auth_mechanism(DEFAULT_MECHANISMS);
        let mechanism = offered.ok_or(ExchangeError::NotOffered("a way to sign in that is known here"))?;
        let not_smtp = |_| ExchangeError::NotSmtp;
        let first = Auth::new(mechanism, credentials.clone(), None).map_err(not_smtp)?;
        let mut reply = self.command(first).await?;
        for _ in 0..MAX_CHALLENGES {
            if !reply.has_code(334) {
                return Ok(());
            }
            let next = Auth::new_from_response(mechanism, credentials.clone(), &reply).map_err(not_smtp)?;
            reply = self.command(next).await?;
        }
        Err(ExchangeError::NotSmtp)
    }

    /// Says a command and hears what becomes of it.
    pub(super) async fn command(&mut self, command: impl Display) -> Result<Response, ExchangeError> {
        self.say(command.to_string().as_bytes()).await
    }

    /// Hands over a message, whose lines end with CR LF, and its end. A dot that a line begins with is doubled (RFC 5321,
    /// section 4.5.2).
    pub(super) async fn message(&mut self, message: &[u8]) -> Result<Response, ExchangeError> {
        let mut said = Vec::with_capacity(message.len() + 16);
        for line in message.split_inclusive(|byte| *byte == b'\n') {
            if line.starts_with(b".") {
                said.push(b'.');
            }
            said.extend_from_slice(line);
        }
        said.extend_from_slice(b"\r\n.\r\n");
        self.say(&said).await
    }

    async fn say(&mut self, bytes: &[u8]) -> Result<Response, ExchangeError> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await?;
        self.reply().await
    }

    /// The reply to what was said last, if it is not a refusal.
    async fn reply(&mut self) -> Result<Response, ExchangeError> {
        let mut text = String::new();
        loop {
            let line = self.line(MAX_REPLY_BYTES.saturating_sub(text.len())).await?;
            let line = line.trim_end_matches(['\r', '\n']);
            if line.len() < 3 || !line.bytes().take(3).all(|byte| byte.is_ascii_digit()) {
                return Err(ExchangeError::NotSmtp);
            }
            // A code may stand alone, which lettre does not know.
            let separator = if line.len() == 3 { " " } else { "" };
            text.extend([line, separator, "\r\n"]);
            if line.as_bytes().get(3) != Some(&b'-') {
                break;
            }
        }
        let response: Response = text.parse().map_err(|_| ExchangeError::NotSmtp)?;
        if response.is_positive() {
            return Ok(response);
        }
        Err(ExchangeError::Refused { code: response.code().into(), words: words(&response) })
    }

    /// A line with its end. What is no UTF-8 is replaced.
    async fn line(&mut self, most: usize) -> Result<String, ExchangeError> {
        let mut line = Vec::new();
        (&mut self.stream).take(most as u64).read_until(b'\n', &mut line).await?;
        match line.last() {
            Some(b'\n') => Ok(String::from_utf8_lossy(&line).into_owned()),
            _ if line.len() == most => Err(ExchangeError::TooLong),
            _ => Err(ExchangeError::Closed),
        }
    }
}

/// The lines of a reply as one; the enhanced code that each of them begins with (RFC 2034) is told once.
fn words(reply: &Response) -> String {
    let is_code = |word: &&str| word.contains('.') && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let code = reply.first_word().filter(is_code);
    let mut words = reply.first_line().unwrap_or_default().to_owned();
    for line in reply.message().skip(1) {
        let rest = code.and_then(|code| line.strip_prefix(code)).filter(|rest| rest.starts_with(' '));
        words.extend([" ", rest.unwrap_or(line).trim_start()]);
    }
    words
}
