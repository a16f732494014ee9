//! The wire to a PostgreSQL server: encrypted or not, and read along for the codes of errors.
//!
//! diesel hands on the text of an error and not its SQLSTATE, and the text is in whatever language the server speaks. So
//! nobody judges by the text: the code is noted as it comes by.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio_postgres::config::{SslMode, SslNegotiation};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::either::Either;

/// The request for TLS: its length and a number that is no version of the protocol.
const TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
/// The kind of the message that tells of an error.
const ERROR: u8 = b'E';
/// How much of an error is read along. Its code comes third, after two words.
const MAX_ERROR: usize = 256;

/// What follows on an error, for each further statement that was sent to the same transaction.
const IN_FAILED_TRANSACTION: &[u8] = b"25P02";

/// The SQLSTATE of the last error that the server told of on a connection, except for what only follows on it.
#[derive(Clone, Default)]
pub(super) struct LastError(Arc<AtomicU64>);

impl LastError {
    /// Its five characters; zeros before there was any.
    pub(super) fn code(&self) -> [u8; 5] {
        let [_, _, _, code @ ..] = self.0.load(Ordering::Acquire).to_be_bytes();
        code
    }

    fn note(&self, code: [u8; 5]) {
        let mut bytes = [0; 8];
        bytes[3..].copy_from_slice(&code);
        self.0.store(u64::from_be_bytes(bytes), Ordering::Release);
    }
}

/// Agrees with the server on TLS, in place of the client library, which would read plaintext past us.
#[derive(Clone)]
pub(super) struct Negotiator<T = MakeRustlsConnect> {
    pub(super) mode: SslMode,
    pub(super) negotiation: SslNegotiation,
    pub(super) tls: T,
    pub(super) last_error: LastError,
}

type Tls<S> = <MakeRustlsConnect as MakeTlsConnect<S>>::TlsConnect;
type Encrypted<S> = <MakeRustlsConnect as MakeTlsConnect<S>>::Stream;
type Failure = Box<dyn Error + Send + Sync>;

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Negotiator {
    type Stream = Wire<S>;
    type TlsConnect = Negotiator<Tls<S>>;
    type Error = <MakeRustlsConnect as MakeTlsConnect<S>>::Error;

    fn make_tls_connect(&mut self, host: &str) -> Result<Self::TlsConnect, Self::Error> {
        Ok(Negotiator {
            mode: self.mode,
            negotiation: self.negotiation,
            tls: MakeTlsConnect::<S>::make_tls_connect(&mut self.tls, host)?,
            last_error: self.last_error.clone(),
        })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for Negotiator<Tls<S>> {
    type Stream = Wire<S>;
    type Error = Failure;
    type Future = BoxFuture<'static, Result<Wire<S>, Failure>>;

    fn connect(self, mut stream: S) -> Self::Future {
        async move {
            let is_encrypted = match (self.mode, self.negotiation) {
                (SslMode::Disable, _) => false,
                (_, SslNegotiation::Direct) => true,
                _ => asks_for_tls(&mut stream).await?,
            };
            if !is_encrypted && self.mode == SslMode::Require {
                return Err("the server does not support TLS".into());
            }
            let stream = if is_encrypted {
                Either::Right(TlsConnect::<S>::connect(self.tls, stream).await?)
            } else {
                Either::Left(stream)
            };
            Ok(Wire { stream, messages: Messages::new(self.last_error) })
        }
        .boxed()
    }
}

async fn asks_for_tls(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<bool> {
    stream.write_all(&TLS_REQUEST).await?;
    let mut answer = [0];
    stream.read_exact(&mut answer).await?;
    Ok(answer == *b"S")
}

/// What the server and the client library say to each other.
pub(super) struct Wire<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> {
    stream: Either<S, Encrypted<S>>,
    messages: Messages,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsStream for Wire<S> {
    fn channel_binding(&self) -> ChannelBinding {
        match &self.stream {
            Either::Left(_) => ChannelBinding::none(),
            Either::Right(encrypted) => encrypted.channel_binding(),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> AsyncRead for Wire<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        self.messages.read_along(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> AsyncWrite for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Where one message of the server ends and the next begins: a byte for the kind, four for the length of the rest with
/// themselves, and the rest.
struct Messages {
    head: Vec<u8>,
    body_left: usize,
    /// The beginning of the body, if it is of an error.
    error: Option<Vec<u8>>,
    last_error: LastError,
}

impl Messages {
    fn new(last_error: LastError) -> Self {
        Self { head: Vec::with_capacity(5), body_left: 0, error: None, last_error }
    }

    fn read_along(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let wanted = if self.body_left > 0 { self.body_left } else { 5 - self.head.len() };
            let (part, rest) = bytes.split_at(wanted.min(bytes.len()));
            bytes = rest;
            if self.body_left > 0 {
                self.read_body(part);
            } else {
                self.read_head(part);
            }
        }
    }

    fn read_head(&mut self, part: &[u8]) {
        self.head.extend_from_slice(part);
        if let [kind, length @ ..] = &self.head[..]
            && let Ok(length) = <[u8; 4]>::try_from(length)
        {
            self.body_left = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX).saturating_sub(4);
            self.error = (*kind == ERROR).then(Vec::new);
            self.head.clear();
        }
    }

    fn read_body(&mut self, part: &[u8]) {
        self.body_left -= part.len();
        let Some(error) = &mut self.error else { return };
        let room = MAX_ERROR - error.len();
        error.extend_from_slice(&part[..room.min(part.len())]);
        if self.body_left == 0 {
            // A field is a letter and a text, and ends with a zero.
            let code = error.split(|byte| *byte == 0).find_map(|field| field.strip_prefix(b"C"));
            if code != Some(IN_FAILED_TRANSACTION) {
                self.last_error.note(code.and_then(|code| code.try_into().ok()).unwrap_or_default());
            }
            self.error = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&[kind], &length[..], body].concat()
    }

    #[test]
    fn the_code_of_the_last_error_is_noted_however_the_bytes_arrive_and_in_any_language() {
        let long = format!("SERROR\0VERROR\0C42P01\0M{}\0\0", "Relation gibt es nicht ".repeat(100));
        let parts = [
            message(b'T', b"C23505\0"),
            message(b'E', "SFEHLER\0VERROR\0C40P01\0MVerklemmung entdeckt\0DC99999\0\0".as_bytes()),
            message(b'I', b""),
            message(b'N', b"SHINWEIS\0VNOTICE\0C00000\0Mdone\0\0"),
            message(b'D', &b"E\0\0\0\x08C123".repeat(50)),
            message(b'E', long.as_bytes()),
            message(b'Z', b"I"),
        ];
        let (first, all) = (parts[..2].concat(), parts.concat());
        for size in [1, 2, 3, 5, 7, 64, 4096] {
            for (bytes, code) in [(&first, b"40P01"), (&all, b"42P01")] {
                let last = LastError::default();
                let mut messages = Messages::new(last.clone());
                bytes.chunks(size).for_each(|chunk| messages.read_along(chunk));
                assert_eq!(&last.code(), code, "in pieces of {size}");
            }
        }
    }

    #[test]
    fn what_follows_on_an_error_in_its_transaction_does_not_hide_it() {
        let last = LastError::default();
        let mut messages = Messages::new(last.clone());
        for (code, noted) in [("40P01", b"40P01"), ("25P02", b"40P01"), ("23505", b"23505")] {
            messages.read_along(&message(b'E', format!("SERROR\0C{code}\0\0").as_bytes()));
            assert_eq!(&last.code(), noted);
        }
    }

    #[test]
    fn an_error_without_a_code_leaves_none_of_an_earlier_one() {
        let last = LastError::default();
        let mut messages = Messages::new(last.clone());
        messages.read_along(&message(b'E', b"SERROR\0C40P01\0\0"));
        for strange in [&b"SERROR\0\0"[..], b"SERROR\0C4\0\0", b"SERROR\0C40P011\0\0", b"", b"\0"] {
            messages.read_along(&message(b'E', strange));
            if !strange.is_empty() {
                assert_eq!(last.code(), [0; 5], "{strange:?}");
            }
        }
    }
}
