//! The only wiring: settings to adapters to use cases to edges. Tests build the service through it too, with a clock,
//! entropy and mailer of their own.

mod adapters;
mod background;
pub mod commands;
mod edges;
mod error;
pub mod factors;
mod greeting;
pub mod jobs;
pub mod keys;
mod metrics;
mod use_cases;

use std::future::Future;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use crate::application::causes::Causes;
use crate::infrastructure::store::migrations::MigrationStatus;
pub use error::StartError;

use crate::application::access::feed::AccessFeed;
use crate::application::administrators::{Administrators, Appointment};
use crate::application::clock_watch::ClockWatch;
use crate::application::factors::Factors;
use crate::application::jobs::{Jobs, Purge};
use crate::application::keys::Keys;
use crate::application::ports::{Clock, Entropy, Mailer, Store};
use crate::application::service_accounts::ServiceAccounts;
use crate::config::Settings;
use crate::domain::account::email::EmailAddress;
use crate::infrastructure::data_folder::DataFolder;
use crate::infrastructure::store::{DatabaseSettings, migrations};
use crate::presentation::grpc::Server;
use crate::presentation::grpc::layers::policy::PolicyTable;
use crate::presentation::health::Health;
use crate::presentation::http::SidePort;
use crate::presentation::net::tls::Certificates;
use crate::proto::DESCRIPTORS;
use crate::telemetry::traces::Exporter;
use adapters::Adapters;
use edges::Edges;
use greeting::Addresses;
use metrics::Stopwatch;
use use_cases::UseCases;

/// Adapters to use in place of those of production.
#[derive(Default)]
pub struct Overrides {
    /// The time.
    pub clock: Option<Arc<dyn Clock>>,
    /// Random bytes.
    pub entropy: Option<Arc<dyn Entropy>>,
    /// Delivery of mail.
    pub mailer: Option<Arc<dyn Mailer>>,
}

/// The whole service, ready to serve.
pub struct App {
    server: Server,
    side_port: SidePort,
    keys_read: Arc<Stopwatch>,
    certificates: Option<Arc<Certificates>>,
    keys: Arc<Keys>,
    jobs: Arc<Jobs>,
    purge: Arc<Purge>,
    feed: Arc<AccessFeed>,
    clock_watch: Arc<ClockWatch>,
    store: Arc<dyn Store>,
    administrators: Administrators,
    factors: Arc<Factors>,
    service_accounts: Arc<ServiceAccounts>,
}

/// Serves until the process is told to stop (SIGTERM, SIGINT), then lets requests in flight end.
pub async fn serve(settings: Settings) -> Result<(), StartError> {
    let address = settings.listener.endpoint.address;
    let listener = TcpListener::bind(address).await.map_err(|error| StartError::listen(&error))?;
    let side_listener = match settings.listener.http_address {
        Some(address) => Some(TcpListener::bind(address).await.map_err(|error| StartError::side_port(&error))?),
        None => None,
    };
    let addresses = Addresses::of(&listener, side_listener.as_ref()).map_err(|error| StartError::listen(&error))?;
    let exporter =
        settings.traces.as_ref().map(Exporter::new).transpose().map_err(|error| StartError::traces(&error))?;
    let app = App::for_command(&settings).await?;
    app.begin().await?;
    let stopped = CancellationToken::new();
    background::start(&app, &stopped);
    let exported = exporter.map(|exporter| tokio::spawn(exporter.run(stopped.clone())));
    if let Some(listener) = side_listener {
        tokio::spawn(app.side_port().serve(listener, stopped.clone()));
    }
    // Before anybody can learn that the server serves, or a signal that follows at once would not end it in order.
    let told_to_stop = background::told_to_stop();
    greeting::write(&settings, &addresses);
    let service_accounts = app.service_accounts();
    let served = app.serve(listener, told_to_stop).await;
    stopped.cancel();
    if let Err(error) = service_accounts.record_key_uses().await {
        tracing::warn!(error = %Causes(&error), "the last uses of API keys were not written down");
    }
    if let Some(exported) = exported {
        // It ends by itself, in a time of its own.
        let _ = exported.await;
    }
    served
}

/// Brings the database to the newest schema, in this folder with `--dev`. The names of the migrations that it applied.
pub async fn migrate(settings: &DatabaseSettings, folder: Option<&DataFolder>) -> Result<Vec<String>, StartError> {
    if let Some(folder) = folder {
        folder.create()?;
    }
    let before = migrations::status(settings).await?.applied;
    let after = migrations::run(settings).await?.applied;
    Ok(after.into_iter().filter(|name| !before.contains(name)).collect())
}

/// The migrations that are applied and those that are not.
pub async fn migration_status(settings: &DatabaseSettings) -> Result<MigrationStatus, StartError> {
    Ok(migrations::status(settings).await?)
}

/// Makes the account with this address an administrator; without one, makes it first.
pub async fn appoint_administrator(settings: &Settings, email: EmailAddress) -> Result<Appointment, StartError> {
    App::for_command(settings).await?.administrators.appoint(email).await.map_err(StartError::prepare)
}

impl App {
    /// The service as a command has it. With `--dev`, the database is made first.
    async fn for_command(settings: &Settings) -> Result<Self, StartError> {
        if settings.dev.is_some() {
            migrate(&settings.database, settings.dev.as_ref()).await?;
        }
        Self::build(settings, Overrides::default()).await
    }

    /// Wires the service. Fails if the database is not reachable, not migrated, or sealed under another master key.
    pub async fn build(settings: &Settings, overrides: Overrides) -> Result<Self, StartError> {
        let adapters = Adapters::start(settings, overrides).await?;
        let access = PolicyTable::read(DESCRIPTORS)?;
        let use_cases = UseCases::open(settings, &adapters, access.permissions()).await?;
        let edges = Edges::new(settings, &adapters, &use_cases, access)?;
        Ok(Self {
            server: edges.server,
            side_port: edges.side_port,
            keys_read: edges.keys_read,
            certificates: edges.certificates,
            clock_watch: use_cases.services.clock_watch,
            keys: use_cases.services.keys,
            jobs: use_cases.jobs,
            purge: use_cases.purge,
            feed: adapters.feed,
            store: adapters.ports.store,
            administrators: use_cases.administrators,
            factors: use_cases.services.factors,
            service_accounts: use_cases.services.service_accounts,
        })
    }

    /// Brings back what was stored while a clock was ahead. To be done before anybody is served.
    pub async fn begin(&self) -> Result<(), StartError> {
        self.clock_watch.begin().await.map_err(StartError::prepare)
    }

    /// Serves RPCs until `stop` is done and the RPCs in flight have ended. Does no work in the background.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) -> Result<(), StartError> {
        self.health().report(true).await;
        Ok(self.server.serve(listener, self.certificates, stop).await?)
    }

    /// What health checks are told.
    #[must_use]
    pub fn health(&self) -> Health {
        self.server.health()
    }

    /// The HTTP side port, ready to serve.
    #[must_use]
    pub fn side_port(&self) -> SidePort {
        self.side_port.clone()
    }

    /// The jobs, for those who do them.
    #[must_use]
    pub fn jobs(&self) -> Arc<Jobs> {
        self.jobs.clone()
    }

    /// The erasing of what is over, for those who do it at once.
    #[must_use]
    pub fn purge(&self) -> Arc<Purge> {
        self.purge.clone()
    }

    /// The keys, for those who look after them.
    #[must_use]
    pub fn keys(&self) -> Arc<Keys> {
        self.keys.clone()
    }

    /// Service accounts, whose keys' uses wait to be written down.
    #[must_use]
    pub fn service_accounts(&self) -> Arc<ServiceAccounts> {
        self.service_accounts.clone()
    }

    /// The second factors, for those who help people that have lost theirs.
    #[must_use]
    pub fn factors(&self) -> Arc<Factors> {
        self.factors.clone()
    }

    /// What makes access tokens void, for those who follow it.
    #[must_use]
    pub fn feed(&self) -> Arc<AccessFeed> {
        self.feed.clone()
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }
}
