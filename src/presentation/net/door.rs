//! Accepts connections: whose they are, how many there may be, TLS, and whether they speak what the port speaks.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;

use super::client::TrustedProxies;
use super::connection::{Connection, Stream};
use super::idle::{IdleWatch, PREFACE_LIMIT};
use super::networks::Networks;
use super::opening::{self, Mistake, Notices, Protocol};
use super::proxy_protocol::{self, NoHeader, Source};
use super::shares::{Share, Shares, of_one_address};
use super::tls::Certificates;
use crate::domain::session::client::network_of;

/// How long a load balancer may take to say whose connection it passes on.
const PROXY_HEADER_LIMIT: Duration = Duration::from_secs(5);
/// How long a client may take to agree on TLS.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// How long to wait after the system refused a connection, for want of descriptors for example.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How connections are accepted.
pub(in crate::presentation) struct Door {
    /// What is spoken behind it: one of the versions of HTTP.
    pub(in crate::presentation) protocol: Protocol,
    /// For TLS, unless the listener speaks plaintext.
    pub(in crate::presentation) certificates: Option<Arc<Certificates>>,
    /// How many connections may be open at a time; further ones wait in the system's own queue.
    pub(in crate::presentation) most: usize,
    /// The proxies that stand for many clients, and may hold all of them.
    pub(in crate::presentation) proxies: TrustedProxies,
    /// The load balancers whose every connection begins with the PROXY protocol. Nobody else is believed to speak it.
    pub(in crate::presentation) balancers: Networks,
    /// Cancelled when the server stops.
    pub(in crate::presentation) stopped: CancellationToken,
}

/// The right to be one of so many connections in all, and of so many of one network.
pub(super) struct Place {
    _all: OwnedSemaphorePermit,
    _share: Option<Share<IpAddr>>,
}

/// Why a connection is closed before anything is served on it.
#[derive(Debug, thiserror::Error)]
enum TurnedAway {
    #[error("its network holds its share of the connections")]
    Share,
    #[error(transparent)]
    NoHeader(#[from] NoHeader),
    #[error("{}", .0.seen())]
    Mistaken(Mistake),
    #[error("it took too long")]
    Slow,
    #[error("it failed: {0}")]
    Failed(#[from] io::Error),
}

/// Accepts connections until the receiver is dropped. A network that holds its share of them is turned away at once.
pub(in crate::presentation) fn accept(listener: TcpListener, door: Door) -> ReceiverStream<io::Result<Connection>> {
    let (sender, receiver) = mpsc::channel(16);
    let places = Arc::new(Semaphore::new(door.most));
    let shares = Shares::of(of_one_address(door.most));
    let port = listener.local_addr().map_or(0, |address| address.port());
    let acceptor =
        Arc::new(Acceptor { door, port, shares, notices: Notices::default(), is_header_told: AtomicBool::new(false) });
    tokio::spawn(async move {
        while let Ok(permit) = places.clone().acquire_owned().await {
            tokio::select! {
                () = sender.closed() => break,
                accepted = listener.accept() => match accepted {
                    Ok(accepted) => drop(tokio::spawn(acceptor.clone().greet(accepted, permit, sender.clone()))),
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

/// Who lets connections in at one port.
struct Acceptor {
    door: Door,
    port: u16,
    shares: Shares<IpAddr>,
    notices: Notices,
    is_header_told: AtomicBool,
}

impl Acceptor {
    async fn greet(
        self: Arc<Self>,
        (stream, peer): (TcpStream, SocketAddr),
        permit: OwnedSemaphorePermit,
        sender: mpsc::Sender<io::Result<Connection>>,
    ) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        match self.door.stopped.run_until_cancelled(self.admit(stream, peer, permit)).await {
            // A closed channel means that the server stops; the connection closes with it.
            Some(Ok(connection)) => drop(sender.send(Ok(connection)).await),
            Some(Err(why)) => tracing::debug!(%peer, port = self.port, %why, "a connection was turned away"),
            None => {}
        }
    }

    async fn admit(
        &self,
        mut stream: TcpStream,
        peer: SocketAddr,
        permit: OwnedSemaphorePermit,
    ) -> Result<Connection, TurnedAway> {
        let client = self.client(&mut stream, peer).await?;
        let share = self.shares.take(network_of(client.ip()));
        if share.is_none() && !self.door.proxies.contains(client.ip()) {
            return Err(TurnedAway::Share);
        }
        let place = Place { _all: permit, _share: share };
        let mut stream = within(HANDSHAKE_LIMIT, self.secured(stream, client)).await??;
        let began = Instant::now();
        let opening = within(PREFACE_LIMIT, opening::read(&mut stream)).await??;
        let mistake = match (self.door.protocol, opening.protocol) {
            (_, Protocol::Tls) => Some(Mistake::WantsPlaintext),
            (Protocol::Http2, Protocol::Http1) => Some(Mistake::WantsHttp2),
            (Protocol::Http1, Protocol::Http2) => Some(Mistake::WantsHttp1),
            _ => None,
        };
        if let Some(mistake) = mistake {
            return Err(self.dismissed(&mut stream, client, (opening.protocol, mistake)).await);
        }
        let idle = IdleWatch::new(began, self.door.stopped.clone());
        Ok(Connection::new(stream, opening.bytes, (client, place), idle))
    }

    /// Whose connection it is: of a load balancer's, what its header says.
    async fn client(&self, stream: &mut TcpStream, peer: SocketAddr) -> Result<SocketAddr, TurnedAway> {
        if !self.door.balancers.contains(peer.ip()) {
            return Ok(peer);
        }
        match within(PROXY_HEADER_LIMIT, proxy_protocol::read(stream)).await? {
            Ok(Source::Local) => Ok(peer),
            Ok(Source::Client(client)) => Ok(client),
            Ok(Source::Unknown) => Ok(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0)),
            // A balancer that only looks whether the port is open says nothing.
            Err(NoHeader::Ended(error)) => Err(error.into()),
            Err(why) => {
                if !self.is_header_told.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%peer, port = self.port, %why, "a load balancer's connections are closed; this is said once");
                }
                Err(why.into())
            }
        }
    }

    /// With TLS, if that is what the port speaks.
    async fn secured(&self, mut stream: TcpStream, client: SocketAddr) -> Result<Stream, TurnedAway> {
        let Some(certificates) = &self.door.certificates else {
            return Ok(Either::Left(stream));
        };
        let mut first = [0; opening::PREFACE.len()];
        let count = stream.peek(&mut first).await?;
        match opening::recognise(&first[..count]) {
            spoken @ (Protocol::Http1 | Protocol::Http2) => {
                Err(self.dismissed(&mut stream, client, (spoken, Mistake::WantsTls)).await)
            }
            Protocol::Tls | Protocol::Other => {
                match TlsAcceptor::from(certificates.current()).accept(stream).into_fallible().await {
                    Ok(secured) => Ok(Either::Right(Box::new(secured))),
                    Err((why, mut stream)) => {
                        opening::part(&mut stream).await;
                        Err(why.into())
                    }
                }
            }
        }
    }

    async fn dismissed<S>(
        &self,
        stream: &mut S,
        client: SocketAddr,
        (spoken, mistake): (Protocol, Mistake),
    ) -> TurnedAway
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        if self.notices.is_new(mistake) {
            tracing::warn!(%client, port = self.port, "{}; this is said once", mistake.seen());
        }
        opening::dismiss(stream, spoken, mistake).await;
        TurnedAway::Mistaken(mistake)
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, TurnedAway> {
    tokio::time::timeout(limit, work).await.map_err(|_| TurnedAway::Slow)
}
