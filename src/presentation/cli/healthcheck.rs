//! `ipse healthcheck`: one call of `grpc.health.v1.Health/Check`, for containers without a shell.

use std::time::Duration;

use tonic::Request;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::connect::{self, Unreachable};
use crate::presentation::net::settings::Endpoint;

const PATIENCE: Duration = Duration::from_secs(5);

/// Why a server does not count as healthy.
#[derive(Debug, thiserror::Error)]
pub enum Unhealthy {
    /// There is no connection.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// The call was refused.
    #[error("the server does not answer: {0}")]
    Refused(tonic::Code),
    /// The server says that it does not serve.
    #[error("the server does not serve")]
    NotServing,
}

/// Asks the server at this endpoint whether it serves.
pub async fn healthcheck(endpoint: &Endpoint) -> Result<(), Unhealthy> {
    let mut client = HealthClient::new(connect::to_endpoint(endpoint).await?);
    let mut request = Request::new(HealthCheckRequest { service: String::new() });
    request.set_timeout(PATIENCE);
    let answer = client.check(request).await.map_err(|status| Unhealthy::Refused(status.code()))?;
    match answer.into_inner().status() {
        ServingStatus::Serving => Ok(()),
        _ => Err(Unhealthy::NotServing),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};

    use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
    use tempfile::TempDir;
    use tokio::net::TcpListener;
    use tokio_stream::wrappers::TcpListenerStream;
    use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};
    use tonic_health::ServingStatus;

    use super::*;
    use crate::presentation::net::tls::TlsFiles;

    struct Pair {
        folder: TempDir,
        pair: CertifiedKey<KeyPair>,
    }

    impl Pair {
        fn new() -> Self {
            let pair = generate_simple_self_signed(["id.example".to_owned()]).unwrap();
            Self { folder: TempDir::new().unwrap(), pair }
        }

        fn files(&self) -> TlsFiles {
            let (certificate, key) = (self.folder.path().join("cert.pem"), self.folder.path().join("key.pem"));
            fs::write(&certificate, self.pair.cert.pem()).unwrap();
            fs::write(&key, self.pair.signing_key.serialize_pem()).unwrap();
            TlsFiles { certificate, key, client_authorities: None }
        }

        fn server(&self) -> ServerTlsConfig {
            let identity = Identity::from_pem(self.pair.cert.pem(), self.pair.signing_key.serialize_pem());
            ServerTlsConfig::new().identity(identity)
        }
    }

    /// Starts a health service of this status and yields its address.
    async fn start(status: ServingStatus, tls: Option<ServerTlsConfig>) -> SocketAddr {
        let (reporter, service) = tonic_health::server::health_reporter();
        reporter.set_service_status("", status).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut server = Server::builder();
        if let Some(tls) = tls {
            server = server.tls_config(tls).unwrap();
        }
        tokio::spawn(server.add_service(service).serve_with_incoming(TcpListenerStream::new(listener)));
        address
    }

    #[tokio::test]
    async fn a_server_is_healthy_if_it_says_so() {
        let address = start(ServingStatus::Serving, None).await;
        healthcheck(&Endpoint { address, tls: None }).await.unwrap();
        let everywhere = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), address.port());
        healthcheck(&Endpoint { address: everywhere, tls: None }).await.unwrap();
        let address = start(ServingStatus::NotServing, None).await;
        let verdict = healthcheck(&Endpoint { address, tls: None }).await;
        assert!(matches!(verdict, Err(Unhealthy::NotServing)));
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_unhealthy() {
        let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let verdict = healthcheck(&Endpoint { address, tls: None }).await;
        assert!(matches!(verdict, Err(Unhealthy::Unreachable(_))));
    }

    #[tokio::test]
    async fn with_tls_only_the_configured_certificate_will_do() {
        let (own, foreign) = (Pair::new(), Pair::new());
        let address = start(ServingStatus::Serving, Some(own.server())).await;
        healthcheck(&Endpoint { address, tls: Some(own.files()) }).await.unwrap();
        let verdict = healthcheck(&Endpoint { address, tls: Some(foreign.files()) }).await;
        assert!(matches!(verdict, Err(Unhealthy::Unreachable(_))));
        let verdict = healthcheck(&Endpoint { address, tls: None }).await;
        assert!(verdict.is_err());
    }

    #[tokio::test]
    async fn a_server_that_demands_client_certificates_is_shown_its_own() {
        let own = Pair::new();
        let tls = own.server().client_ca_root(Certificate::from_pem(own.pair.cert.pem()));
        let address = start(ServingStatus::Serving, Some(tls)).await;
        let client_authorities = Some(own.files().certificate);
        let shown = TlsFiles { client_authorities, ..own.files() };
        healthcheck(&Endpoint { address, tls: Some(shown) }).await.unwrap();
        assert!(healthcheck(&Endpoint { address, tls: Some(own.files()) }).await.is_err());
    }
}
