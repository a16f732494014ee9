//! `ipse healthcheck`: one call of `grpc.health.v1.Health/Check`, for containers without a shell.

use tonic_health::pb::health_check_response::ServingStatus;

use super::connect::{Server, Unreachable, connect};
use crate::presentation::net::settings::ClientFiles;

/// Why a server does not count as healthy.
#[derive(Debug, thiserror::Error)]
pub enum Unhealthy {
    /// There is no connection.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// The call was refused.
    #[error("the server refuses to tell its health: {0:?}")]
    Refused(tonic::Code),
    /// The server says that it does not serve.
    #[error("the server does not serve")]
    NotServing,
}

/// Asks a server whether it serves.
pub async fn healthcheck(server: &Server, files: &ClientFiles) -> Result<(), Unhealthy> {
    match connect(server, files).await?.health.map_err(Unhealthy::Refused)? {
        ServingStatus::Serving => Ok(()),
        _ => Err(Unhealthy::NotServing),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tokio_stream::wrappers::TcpListenerStream;
    use tonic::transport;

    use super::*;

    #[tokio::test]
    async fn a_server_is_healthy_if_it_says_so() {
        for (status, is_healthy) in
            [(tonic_health::ServingStatus::Serving, true), (tonic_health::ServingStatus::NotServing, false)]
        {
            let (reporter, service) = tonic_health::server::health_reporter();
            reporter.set_service_status("", status).await;
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let server = Server::Url(format!("http://{}", listener.local_addr().unwrap()).parse().unwrap());
            let builder = transport::Server::builder().add_service(service);
            tokio::spawn(builder.serve_with_incoming(TcpListenerStream::new(listener)));
            let verdict = healthcheck(&server, &ClientFiles::default()).await;
            assert_eq!(verdict.is_ok(), is_healthy);
            assert!(is_healthy || matches!(verdict, Err(Unhealthy::NotServing)));
        }
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_unhealthy() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Server::Url(format!("http://{}", listener.local_addr().unwrap()).parse().unwrap());
        drop(listener);
        let verdict = healthcheck(&server, &ClientFiles::default()).await;
        assert!(matches!(verdict, Err(Unhealthy::Unreachable(_))));
    }
}
