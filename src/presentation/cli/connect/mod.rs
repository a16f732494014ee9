//! Connections to a running server.

mod fault;
mod pinned_certificate;
#[cfg(test)]
mod tests;
mod tls;
mod watched;

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{InvalidDnsNameError, ServerName};
use tokio_util::either::Either;
use tonic::Request;
use tonic::transport::{self, Channel, Uri};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tower::service_fn;

use self::fault::Fault;
use self::tls::Unprepared;
use self::watched::Watched;
use crate::presentation::net::proxy_protocol;
use crate::presentation::net::settings::{ClientFiles, Endpoint};

/// How long each step to an answer may take: to a connection, to TLS, to the answer itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// Which server.
#[derive(Debug)]
pub enum Server {
    /// The one with this URL: `https://`, or `http://` for one on this machine.
    Url(Uri),
    /// The one with these settings.
    Settings(Endpoint),
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum Unreachable {
    /// Nobody answers there, or not with the right certificate.
    #[error("the server at {0} cannot be reached")]
    Transport(String, #[source] Fault),
    /// There can be no TLS.
    #[error(transparent)]
    Unprepared(#[from] Unprepared),
    /// The access token would be readable on its way to another machine.
    #[error("the access token does not go to another machine without TLS: give a URL with https://")]
    Exposed,
    /// The host of the URL is no name that a certificate could have.
    #[error("the URL of the server has no valid host")]
    Host(#[from] InvalidDnsNameError),
}

/// A connection to a server, which has answered.
pub(super) struct Connected {
    pub(super) channel: Channel,
    /// What it says of its health.
    pub(super) health: Result<ServingStatus, tonic::Code>,
}

/// How to get to a server.
#[derive(Clone)]
struct Way {
    address: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    /// What a connection begins with, where the server takes this machine for a load balancer.
    header: Option<&'static [u8]>,
    /// What went wrong on the way, as it was: the layers above keep only a text of it, or nothing.
    fault: Arc<OnceLock<Fault>>,
}

/// Connects to a server, shows it the client certificate, and asks how it is: only then it is known whether it lets us in.
pub(super) async fn connect(server: &Server, files: &ClientFiles) -> Result<Connected, Unreachable> {
    let way = match server {
        Server::Url(url) => Way::to_url(url, files)?,
        Server::Settings(endpoint) => Way::to_endpoint(endpoint, files)?,
    };
    way.open().await.map_err(|fault| Unreachable::Transport(server.to_string(), fault))
}

impl Way {
    /// To the server whose settings these are, which name its certificate.
    fn to_endpoint(endpoint: &Endpoint, files: &ClientFiles) -> Result<Self, Unreachable> {
        let address = reachable(endpoint.address);
        let connector = endpoint.tls.as_ref().map(|tls| tls::to_holder_of(tls, files)).transpose()?;
        let header = endpoint.balancers.contains(address.ip()).then_some(&proxy_protocol::LOCAL[..]);
        let tls = connector.map(|connector| (connector, address.ip().into()));
        Ok(Self { address: address.to_string(), tls, header, fault: Arc::default() })
    }

    /// To a server by its URL. What is sent is an access token.
    fn to_url(url: &Uri, files: &ClientFiles) -> Result<Self, Unreachable> {
        let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
        let is_secure = url.scheme_str() == Some("https");
        if !is_secure && !is_this_machine(host) {
            return Err(Unreachable::Exposed);
        }
        let port = url.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
        let address = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let tls = if is_secure {
            Some((tls::to_whom_authorities_vouch_for(files)?, ServerName::try_from(host.to_owned())?))
        } else {
            None
        };
        Ok(Self { address, tls, header: None, fault: Arc::default() })
    }

    async fn open(self) -> Result<Connected, Fault> {
        let fault = self.fault.clone();
        let told = |error: &(dyn Error + 'static)| fault.get().cloned().unwrap_or_else(|| Fault::of(error));
        // The scheme says nothing here: the connector begins TLS.
        let target =
            transport::Endpoint::from_shared(format!("http://{}", self.address)).map_err(|error| told(&error))?;
        let connector = service_fn(move |_: Uri| {
            let way = self.clone();
            async move { way.stream().await.map(TokioIo::new).map_err(io::Error::other) }
        });
        let channel = target.connect_with_connector(connector).await.map_err(|error| told(&error))?;
        let mut request = Request::new(HealthCheckRequest { service: String::new() });
        request.set_timeout(PATIENCE);
        let answer = tokio::time::timeout(PATIENCE, HealthClient::new(channel.clone()).check(request)).await;
        let health = match answer.map_err(|_| Fault::TimedOut)? {
            Ok(answer) => Ok(answer.into_inner().status()),
            Err(status) if broken(&status).is_some() => return Err(told(&status)),
            Err(status) => Err(status.code()),
        };
        Ok(Connected { channel, health })
    }

    async fn stream(self) -> Result<Watched, Fault> {
        let noted = |fault: Fault| {
            let _ = self.fault.set(fault.clone());
            fault
        };
        let connected = tokio::time::timeout(PATIENCE, TcpStream::connect(&self.address)).await;
        let connected = connected.map_err(|_| noted(Fault::TimedOut))?;
        let mut stream = connected.map_err(|error| noted(Fault::from_io(&error)))?;
        if let Some(header) = self.header {
            stream.write_all(header).await.map_err(|error| noted(Fault::from_io(&error)))?;
        }
        let Some((connector, name)) = &self.tls else {
            return Ok(Watched::new(Either::Left(stream), self.fault.clone()));
        };
        let secured = tokio::time::timeout(PATIENCE, connector.connect(name.clone(), stream)).await;
        let secured = secured.map_err(|_| noted(Fault::TimedOut))?;
        let stream = secured.map_err(|error| noted(Fault::from_io(&error)))?;
        Ok(Watched::new(Either::Right(Box::new(stream)), self.fault.clone()))
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => url.fmt(f),
            Self::Settings(endpoint) => endpoint.address.fmt(f),
        }
    }
}

/// What broke the connection on which a call failed; nothing if the server has answered. Only what the framework itself makes
/// of a broken connection has a cause.
pub(super) fn broken(status: &tonic::Status) -> Option<Fault> {
    status.source().map(Fault::of)
}

/// Whether a host is the loopback interface by its text alone, whatever a name server says.
fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.to_canonical().is_loopback())
}

/// A server that listens on all addresses is reached on the loopback one.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}
