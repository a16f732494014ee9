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
    /// The host of the URL is no name that a certificate could have.
    #[error("the URL of the server has no valid host")]
    Host(#[from] InvalidDnsNameError),
}

/// Connects to the server whose settings these are; its certificate is known from them.
pub(super) async fn to_endpoint(endpoint: &Endpoint) -> Result<Channel, Unreachable> {
    let address = reachable(endpoint.address);
    let connector = endpoint.tls.as_ref().map(pinned_certificate::connector).transpose()?;
    open(address.to_string(), connector.map(|connector| (connector, address.ip().into()))).await
}

/// Connects to a server by its URL, `http://` or `https://`. Its certificate must be one that the system trusts.
pub(super) async fn to_url(url: &Uri) -> Result<Channel, Unreachable> {
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_secure = url.scheme_str() == Some("https");
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
