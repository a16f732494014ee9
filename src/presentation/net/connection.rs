//! Accepts connections, plain or with TLS, and knows how many there are.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::either::Either;
use tonic::transport::server::Connected;

use super::tls::Certificates;

/// How long a client may take to agree on TLS.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// How long to wait after the system refused a connection, for want of descriptors for example.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The address of the other end.
#[derive(Debug, Clone, Copy)]
pub(in crate::presentation) struct Peer(pub(super) SocketAddr);

/// An accepted connection, which counts until it is closed.
pub(in crate::presentation) struct Connection {
    stream: Either<TcpStream, Box<TlsStream<TcpStream>>>,
    peer: Peer,
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    /// The address of the other end.
    pub(super) fn peer(&self) -> Peer {
        self.peer
    }
}

/// Accepts connections until the receiver is dropped. At most `most` are open at a time; further ones wait in the
/// system's own queue.
pub(in crate::presentation) fn accept(
    listener: TcpListener,
    certificates: Option<Arc<Certificates>>,
    most: usize,
) -> ReceiverStream<io::Result<Connection>> {
    let (sender, receiver) = mpsc::channel(16);
    tokio::spawn(async move {
        let places = Arc::new(Semaphore::new(most));
        while let Ok(permit) = places.clone().acquire_owned().await {
            tokio::select! {
                () = sender.closed() => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        tokio::spawn(greet(stream, (Peer(peer), permit), certificates.clone(), sender.clone()));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        }
    });
    ReceiverStream::new(receiver)
}

async fn greet(
    stream: TcpStream,
    (peer, permit): (Peer, OwnedSemaphorePermit),
    certificates: Option<Arc<Certificates>>,
    sender: mpsc::Sender<io::Result<Connection>>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let stream = match certificates {
        None => Either::Left(stream),
        Some(certificates) => {
            let handshake = TlsAcceptor::from(certificates.current()).accept(stream);
            match tokio::time::timeout(HANDSHAKE_LIMIT, handshake).await {
                Ok(Ok(stream)) => Either::Right(Box::new(stream)),
                Ok(Err(error)) => return tracing::debug!(peer = %peer.0, %error, "a TLS handshake failed"),
                Err(_) => return tracing::debug!(peer = %peer.0, "a TLS handshake took too long"),
            }
        }
    };
    // A closed channel means that the server stops; the connection closes with it.
    let _ = sender.send(Ok(Connection { stream, peer, _permit: permit })).await;
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.peer()
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
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
