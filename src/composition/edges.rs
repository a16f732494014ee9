//! From façades to what the outside speaks to: the gRPC server, the side port, the metrics.

use std::sync::Arc;

use super::StartError;
use super::adapters::Adapters;
use super::metrics::{self, Sources, Stopwatch};
use super::use_cases::UseCases;
use crate::config::Settings;
use crate::presentation::grpc::Server;
use crate::presentation::grpc::layers::policy::PolicyTable;
use crate::presentation::http::SidePort;
use crate::presentation::net::tls::{Certificates, TlsFiles};
use crate::telemetry::metrics::Metrics;

/// What serves.
pub(super) struct Edges {
    pub(super) server: Server,
    pub(super) side_port: SidePort,
    pub(super) certificates: Option<Arc<Certificates>>,
    /// Restarted by whoever reads the keys.
    pub(super) keys_read: Arc<Stopwatch>,
}

impl Edges {
    /// Puts the server together, behind a gate that keeps this access policy.
    pub(super) fn new(
        settings: &Settings,
        adapters: &Adapters,
        use_cases: &UseCases,
        access: PolicyTable,
    ) -> Result<Self, StartError> {
        let listener = &settings.listener;
        let certificates = listener.endpoint.tls.as_ref().map(certificates).transpose()?;
        let server = Server::new(use_cases.services.clone(), access, &adapters.ports, listener);
        let keys_read = Arc::new(Stopwatch::start());
        let mut metrics = Metrics::default();
        server.register(&mut metrics);
        metrics::register(&mut metrics, sources(settings, adapters, use_cases, keys_read.clone()));
        let side_port = SidePort {
            keys: use_cases.services.keys.clone(),
            issuer: settings.issuer().into(),
            passkey_origins: settings.relying_party.origins.clone().into(),
            health: server.health(),
            metrics: Arc::new(metrics),
            balancers: listener.http_balancers.clone(),
        };
        Ok(Self { server, side_port, certificates, keys_read })
    }
}

fn sources(settings: &Settings, adapters: &Adapters, use_cases: &UseCases, keys_read: Arc<Stopwatch>) -> Sources {
    Sources {
        clock: adapters.ports.clock.clone(),
        feed: adapters.feed.clone(),
        hasher: adapters.hasher.clone(),
        hashing: settings.hashing,
        jobs: use_cases.jobs.clone(),
        jwt: adapters.jwt.clone(),
        keys_read,
        store: adapters.ports.store.clone(),
    }
}

fn certificates(files: &TlsFiles) -> Result<Arc<Certificates>, StartError> {
    Certificates::load(files.clone()).map(Arc::new).map_err(|error| StartError::certificate(&error))
}
