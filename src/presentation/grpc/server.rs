//! Puts the layers and services together and serves them on a listener.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tonic::service::Routes;

use super::Services;
use super::layers::gate::{Gate, GateLayer};
use super::layers::policy::PolicyTable;
use super::layers::rpc_metrics::{RpcMetrics, RpcMetricsLayer};
use super::routes;
use crate::application::Ports;
use crate::presentation::health::Health;
use crate::presentation::net::door::{self, Door};
use crate::presentation::net::networks::Networks;
use crate::presentation::net::opening::Protocol;
use crate::presentation::net::settings::{Limits, ListenerSettings};
use crate::presentation::net::tls::Certificates;
use crate::telemetry::metrics::Metrics;

/// Metadata larger than this is refused by HTTP/2 itself, in bytes.
const MAX_HEADER_BYTES: u32 = 8 * 1024;
/// Parallel RPCs on one connection.
const MAX_STREAMS: u32 = 200;
/// Streams a client may open and reset before the server has looked at them (CVE-2023-44487).
const MAX_PENDING_RESETS: usize = 20;
/// Streams the server itself may have to reset for a client's faults (RUSTSEC-2024-0003).
const MAX_ERROR_RESETS: usize = 1024;
/// After this time of silence, the client is asked whether it is there, and dropped if it does not answer.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(20));
/// Connections are told to come again after this time, so that they spread over replicas.
const MAX_CONNECTION_AGE: Duration = Duration::from_secs(30 * 60);

/// The gRPC server, ready to serve.
pub struct Server {
    routes: Routes,
    rpc_metrics: Arc<RpcMetrics>,
    gate: Arc<Gate>,
    health: Health,
    limits: Limits,
    balancers: Networks,
}

impl Server {
    /// Puts layers and services together, behind a gate that keeps this access policy.
    #[must_use]
    pub fn new(services: Services, policy: PolicyTable, ports: &Ports, settings: &ListenerSettings) -> Self {
        let limits = settings.limits.clone();
        let health = Health::new(&routes::NAMES);
        let rpc_metrics = Arc::new(RpcMetrics::new(&policy));
        let gate = Arc::new(Gate::new(&services, ports, policy, (&limits, health.clone())));
        let routes = routes::build(services, &health, limits.reflection);
        let balancers = settings.endpoint.balancers.clone();
        Self { routes, rpc_metrics, gate, health, limits, balancers }
    }

    /// The state of the server, to report on and to ask for.
    #[must_use]
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Adds the counters of RPCs to the metrics.
    pub fn register(&self, metrics: &mut Metrics) {
        self.rpc_metrics.register(metrics);
    }

    /// Serves until `stop` is done and the RPCs in flight have ended, or the grace is over.
    pub async fn serve(
        self,
        listener: TcpListener,
        certificates: Option<Arc<Certificates>>,
        stop: impl Future<Output = ()>,
    ) -> Result<(), tonic::transport::Error> {
        let health = self.health();
        let drained = health.drained();
        let signal = async move {
            stop.await;
            health.drain().await;
        };
        let door = Door {
            protocol: Protocol::Http2,
            certificates,
            most: self.limits.connections,
            proxies: self.limits.proxies,
            balancers: self.balancers,
            stopped: drained.clone(),
        };
        let served = tonic::transport::Server::builder()
            .accept_http1(false)
            .http2_max_header_list_size(MAX_HEADER_BYTES)
            .max_concurrent_streams(MAX_STREAMS)
            .http2_max_pending_accept_reset_streams(Some(MAX_PENDING_RESETS))
            .http2_max_local_error_reset_streams(Some(MAX_ERROR_RESETS))
            .http2_keepalive_interval(Some(KEEPALIVE.0))
            .http2_keepalive_timeout(Some(KEEPALIVE.1))
            .max_connection_age(MAX_CONNECTION_AGE)
            .layer(RpcMetricsLayer(self.rpc_metrics))
            .layer(GateLayer(self.gate))
            .serve_with_incoming_shutdown(self.routes.prepare(), door::accept(listener, door), signal);
        tokio::select! {
            result = served => result,
            () = async { drained.cancelled().await; tokio::time::sleep(self.limits.grace).await } => {
                tracing::warn!("RPCs were cut off at the end of the grace");
                Ok(())
            }
        }
    }
}
