//! `ipse healthcheck`: one call of `grpc.health.v1.Health/Check`, for containers without a shell.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tonic::transport::{self, Channel, Uri};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tower::service_fn;

use super::pinned_certificate::{self, Unprepared};
use crate::config::Endpoint;

const PATIENCE: Duration = Duration::from_secs(5);

/// Why a server does not count as healthy.
#[derive(Debug, thiserror::Error)]
pub enum Unhealthy {
    /// There is no connection.
    #[error("the server cannot be reached")]
    Unreachable(#[from] transport::Error),
    /// There can be no TLS.
    #[error(transparent)]
    Unprepared(#[from] Unprepared),
    /// The call was refused.
    #[error("the server does not answer: {0}")]
    Refused(tonic::Code),
    /// The server says that it does not serve.
    #[error("the server does not serve")]
    NotServing,
}

/// Asks the server at this endpoint whether it serves.
pub async fn healthcheck(endpoint: &Endpoint) -> Result<(), Unhealthy> {
    let mut client = HealthClient::new(connect(endpoint).await?);
    let answer = client
        .check(HealthCheckRequest { service: String::new() })
        .await
        .map_err(|status| Unhealthy::Refused(status.code()))?;
    match answer.into_inner().status() {
        ServingStatus::Serving => Ok(()),
        _ => Err(Unhealthy::NotServing),
    }
}

async fn connect(endpoint: &Endpoint) -> Result<Channel, Unhealthy> {
    let address = reachable(endpoint.address);
    // The scheme says nothing here: the connector below begins TLS.
    let target =
        transport::Endpoint::from_shared(format!("http://{address}"))?.connect_timeout(PATIENCE).timeout(PATIENCE);
    let Some(files) = &endpoint.tls else {
        return Ok(target.connect().await?);
    };
    let connector = pinned_certificate::connector(files)?;
    let connect = service_fn(move |_: Uri| {
        let connector = connector.clone();
        async move {
            let stream = TcpStream::connect(address).await?;
            Ok::<_, io::Error>(TokioIo::new(connector.connect(address.ip().into(), stream).await?))
        }
    });
    Ok(target.connect_with_connector(connect).await?)
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
