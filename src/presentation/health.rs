//! The state of the server, as `grpc.health.v1` and the HTTP side port report it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::server::{HealthReporter, HealthService};

/// Whether the server can do its work, and whether it is about to stop.
#[derive(Clone)]
pub struct Health {
    reporter: HealthReporter,
    services: Arc<[&'static str]>,
    able: Arc<AtomicBool>,
    draining: Arc<AtomicBool>,
    drained: CancellationToken,
}

impl Health {
    /// The state of a server with these services, which cannot do its work yet.
    pub(in crate::presentation) fn new(services: &[&'static str]) -> Self {
        let services = std::iter::once(&"").chain(services).copied().collect();
        Self {
            reporter: HealthReporter::new(),
            services,
            able: Arc::default(),
            draining: Arc::default(),
            drained: CancellationToken::new(),
        }
    }

    /// Reports whether the server can do its work. A server that is about to stop stays unable.
    pub async fn report(&self, able: bool) {
        if !self.is_draining() {
            self.set(able).await;
        }
    }

    /// Whether the server can do its work.
    #[must_use]
    pub fn is_able(&self) -> bool {
        self.able.load(Ordering::Relaxed)
    }

    pub(in crate::presentation) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    pub(in crate::presentation) async fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        self.set(false).await;
        self.drained.cancel();
    }

    /// Cancelled when the server stops, after that was reported.
    pub(in crate::presentation) fn drained(&self) -> CancellationToken {
        self.drained.clone()
    }

    pub(in crate::presentation) fn service(&self) -> HealthService {
        HealthService::from_health_reporter(self.reporter.clone())
    }

    async fn set(&self, able: bool) {
        self.able.store(able, Ordering::Relaxed);
        let status = if able { ServingStatus::Serving } else { ServingStatus::NotServing };
        for service in self.services.iter() {
            self.reporter.set_service_status(service, status).await;
        }
    }
}
