//! The transport under STARTTLS.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The first byte of a TLS handshake (RFC 8446, section 5.1), with which no command of SMTP begins.
const TLS_HANDSHAKE: u8 = 0x16;

/// A connection for STARTTLS that takes nothing from the network before it is needed.
///
/// lettre reads ahead, and keeps over STARTTLS what it has read: somebody in between could append replies in plain text
/// to that of STARTTLS, which would then pass for the replies to encrypted commands, such as "mail taken" (RFC 3207,
/// section 4.2, says to discard them). Left in the socket, they break the handshake instead.
#[derive(Debug)]
pub(super) struct LineByLine {
    stream: TcpStream,
    tls_began: bool,
    has_spoken: Arc<AtomicBool>,
}

impl LineByLine {
    /// Wraps a connection on which nothing was said yet.
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, tls_began: false, has_spoken: Arc::default() }
    }

    /// Becomes true when this side says something.
    pub(super) fn has_spoken(&self) -> Arc<AtomicBool> {
        self.has_spoken.clone()
    }
}

impl AsyncRead for LineByLine {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.tls_began {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let mut byte = [0];
        let mut one = ReadBuf::new(&mut byte[..buf.remaining().min(1)]);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut one))?;
        buf.put_slice(one.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for LineByLine {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.has_spoken.store(true, Ordering::Relaxed);
        self.tls_began |= bytes.first() == Some(&TLS_HANDSHAKE);
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for LineByLine {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}
