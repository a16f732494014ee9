//! Connections to a running server.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{InvalidDnsNameError, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tonic::transport::{self, Channel, Uri};
use tower::service_fn;

use super::pinned_certificate::{self, Unprepared};
use crate::presentation::net::settings::Endpoint;

const PATIENCE: Duration = Duration::from_secs(5);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum Unreachable {
    /// Nobody answers there, or not with the right certificate.
    #[error("the server cannot be reached")]
    Transport(#[from] transport::Error),
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

/// Connects to the server whose settings these are, which name its certificate.
pub(super) async fn to_endpoint(endpoint: &Endpoint) -> Result<Channel, Unreachable> {
    let address = reachable(endpoint.address);
    let connector = endpoint.tls.as_ref().map(pinned_certificate::connector).transpose()?;
    open(address.to_string(), connector.map(|connector| (connector, address.ip().into()))).await
}

/// Connects to a server by its URL, `https://`, or `http://` for one on this machine: what is sent is an access token. Its
/// certificate must be one that the system trusts.
pub(super) async fn to_url(url: &Uri) -> Result<Channel, Unreachable> {
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_secure = url.scheme_str() == Some("https");
    if !is_secure && !is_this_machine(host) {
        return Err(Unreachable::Exposed);
    }
    let port = url.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
    let address = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let tls = if is_secure { Some((system_trust()?, ServerName::try_from(host.to_owned())?)) } else { None };
    open(address, tls).await
}

async fn open(address: String, tls: Option<(TlsConnector, ServerName<'static>)>) -> Result<Channel, Unreachable> {
    // The scheme says nothing here: the connector below begins TLS.
    let target = transport::Endpoint::from_shared(format!("http://{address}"))?.connect_timeout(PATIENCE);
    let Some((connector, name)) = tls else {
        return Ok(target.connect().await?);
    };
    let connect = service_fn(move |_: Uri| {
        let (connector, name, address) = (connector.clone(), name.clone(), address.clone());
        async move {
            let stream = TcpStream::connect(address).await?;
            Ok::<_, io::Error>(TokioIo::new(connector.connect(name, stream).await?))
        }
    });
    Ok(target.connect_with_connector(connect).await?)
}

/// Whether a host is the loopback interface by its text alone, whatever a name server says.
fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.to_canonical().is_loopback())
}

fn system_trust() -> Result<TlsConnector, Unprepared> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_token_goes_to_another_machine_without_tls() {
        for url in ["http://db.example:50051", "http://192.0.2.1", "http://[2001:db8::1]:1", "http://localhost.example"]
        {
            let refused = to_url(&url.parse().unwrap()).await;
            assert!(matches!(refused, Err(Unreachable::Exposed)), "{url}");
        }
        for url in ["http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1", "http://[::ffff:127.0.0.1]:1"] {
            let refused = to_url(&url.parse().unwrap()).await;
            assert!(matches!(refused, Err(Unreachable::Transport(_))), "{url}");
        }
    }
}
