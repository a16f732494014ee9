//! Accepts connections, plain or with TLS, knows how many there are, and ends those that are not used.

use std::io;
use std::net::{IpAddr, SocketAddr};
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
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;

use super::activity::Activity;
use super::client::TrustedProxies;
use super::idle::IdleWatch;
use super::shares::{Share, Shares, of_one_address};
use super::tls::Certificates;
use crate::domain::session::client::network_of;

/// How long a client may take to agree on TLS.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// How long to wait after the system refused a connection, for want of descriptors for example.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The other end, and what it uses the connection for.
#[derive(Debug, Clone)]
pub(in crate::presentation) struct Peer {
    pub(super) address: SocketAddr,
    pub(in crate::presentation) activity: Arc<Activity>,
}

/// An accepted connection, which counts until it is closed.
pub(in crate::presentation) struct Connection {
    stream: Either<TcpStream, Box<TlsStream<TcpStream>>>,
    peer: Peer,
    idle: IdleWatch,
    _place: Place,
}

/// The right to be one of so many connections in all, and of so many of one network.
struct Place {
    _all: OwnedSemaphorePermit,
    _share: Option<Share<IpAddr>>,
}

impl Connection {
    /// The other end.
    pub(super) fn peer(&self) -> Peer {
        self.peer.clone()
    }
}

/// How connections are accepted.
pub(in crate::presentation) struct Door {
    /// For TLS, unless the listener speaks plaintext.
    pub(in crate::presentation) certificates: Option<Arc<Certificates>>,
    /// How many connections may be open at a time; further ones wait in the system's own queue.
    pub(in crate::presentation) most: usize,
    /// The proxies that stand for many clients, and may hold all of them.
    pub(in crate::presentation) proxies: TrustedProxies,
    /// Cancelled when the server stops.
    pub(in crate::presentation) stopped: CancellationToken,
}

/// Accepts connections until the receiver is dropped. A network that holds its share of them is turned away at once.
pub(in crate::presentation) fn accept(listener: TcpListener, door: Door) -> ReceiverStream<io::Result<Connection>> {
    let (sender, receiver) = mpsc::channel(16);
    let door = Arc::new(door);
    tokio::spawn(async move {
        let places = Arc::new(Semaphore::new(door.most));
        let shares = Shares::of(of_one_address(door.most));
        while let Ok(permit) = places.clone().acquire_owned().await {
            tokio::select! {
                () = sender.closed() => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, address)) => {
                        let network = network_of(address.ip());
                        let share = shares.take(network);
                        if share.is_none() && !door.proxies.contains(address.ip()) {
                            tracing::debug!(peer = %address, "a network holds its share of the connections");
                            continue;
                        }
                        let place = Place { _all: permit, _share: share };
                        tokio::spawn(greet((stream, address), place, door.clone(), sender.clone()));
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
    (stream, address): (TcpStream, SocketAddr),
    place: Place,
    door: Arc<Door>,
    sender: mpsc::Sender<io::Result<Connection>>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let stream = match &door.certificates {
        None => Either::Left(stream),
        Some(certificates) => {
            let handshake = TlsAcceptor::from(certificates.current()).accept(stream);
            match door.stopped.run_until_cancelled(tokio::time::timeout(HANDSHAKE_LIMIT, handshake)).await {
                Some(Ok(Ok(stream))) => Either::Right(Box::new(stream)),
                Some(Ok(Err(error))) => return tracing::debug!(peer = %address, %error, "a TLS handshake failed"),
                Some(Err(_)) => return tracing::debug!(peer = %address, "a TLS handshake took too long"),
                None => return,
            }
        }
    };
    let peer = Peer { address, activity: Activity::none() };
    let idle = IdleWatch::new(door.stopped.clone());
    // A closed channel means that the server stops; the connection closes with it.
    let _ = sender.send(Ok(Connection { stream, peer, idle, _place: place })).await;
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
