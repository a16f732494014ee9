//! A connection that was accepted, plain or with TLS, which ends if it is not used.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;
use tonic::transport::server::Connected;

use super::activity::Activity;
use super::door::Place;
use super::idle::IdleWatch;

/// The other end, and what it uses the connection for.
#[derive(Debug, Clone)]
pub(in crate::presentation) struct Peer {
    pub(super) address: SocketAddr,
    pub(in crate::presentation) activity: Arc<Activity>,
}

/// Plain or with TLS.
pub(super) type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// An accepted connection, which counts until it is closed.
pub(in crate::presentation) struct Connection {
    stream: Stream,
    /// What was read to see what the client speaks, and is still to be read.
    unread: Bytes,
    peer: Peer,
    idle: IdleWatch,
    _place: Place,
}

impl Connection {
    /// A connection on which these bytes were read already, watched from when its client could begin.
    pub(super) fn new(
        stream: Stream,
        unread: Bytes,
        (address, place): (SocketAddr, Place),
        mut idle: IdleWatch,
    ) -> Self {
        idle.received(unread.len());
        let peer = Peer { address, activity: Activity::none() };
        Self { stream, unread, peer, idle, _place: place }
    }

    /// The other end.
    pub(super) fn peer(&self) -> Peer {
        self.peer.clone()
    }
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.peer()
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let connection = &mut *self;
        if let Poll::Ready(over) = connection.idle.poll(&connection.peer.activity, cx) {
            return Poll::Ready(Err(over));
        }
        if !connection.unread.is_empty() {
            let count = connection.unread.len().min(buffer.remaining());
            buffer.put_slice(&connection.unread.split_to(count));
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut connection.stream).poll_read(cx, buffer);
        connection.idle.received(buffer.filled().len() - before);
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
