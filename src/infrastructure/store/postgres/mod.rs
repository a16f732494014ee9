//! The store on PostgreSQL.

mod advice;
mod audit_rules;
mod columns;
mod connector;
mod dialect;
mod link;
mod notifications;
mod pooling;
#[path = "../repositories/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "one set of repositories, compiled for each backend")]
mod repositories;
mod runtime_role;
mod schema;
mod url;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use diesel::dsl::sql;
use diesel::sql_types::Text;

use super::migrations::{MigrationError, MigrationStatus, POSTGRES as MIGRATIONS};
use super::pool::Connections;
use super::wait_limit::WaitLimit;
use super::{AuditGuard, DatabaseSettings, unit};
use crate::application::ports::{ChangeSink, PoolUse, Store, StoreResult, Transaction};
use crate::domain::secret::Secret;

use connector::{Connection, Connector};
pub use pooling::Pooling;
pub(super) use url::{is_exposed, parse_url};

type Database = diesel::pg::Pg;
type Unit = unit::Unit<Connector>;

/// How much longer an answer may take than the server may work on a statement. After that the connection is given up.
const ON_THE_WAY: Duration = Duration::from_secs(1);
/// How long the database may take to say that it is there.
const PING_LIMIT: Duration = Duration::from_millis(1500);

/// A PostgreSQL database.
pub(super) struct PostgresStore {
    connections: Connections<Connector>,
    reserved: Connections<Connector>,
    connector: Connector,
    limit: WaitLimit,
    runtime_role: Option<String>,
    audit_retention: time::Duration,
}

impl PostgresStore {
    /// The database at this URL. No connection is opened yet.
    pub(super) async fn new(url: &Secret, settings: &DatabaseSettings, sink: Arc<dyn ChangeSink>) -> StoreResult<Self> {
        let connector = Connector::new(url, settings).await?;
        let limit = WaitLimit::new(settings.statement_timeout + ON_THE_WAY);
        let times = (&limit, settings.acquire_timeout);
        let connections = |most| Connections::new(connector.clone(), most, times, sink.clone());
        Ok(Self {
            connections: connections(settings.max_connections)?,
            reserved: connections(1)?,
            connector,
            limit: limit.clone(),
            runtime_role: settings.runtime_role.clone(),
            audit_retention: settings.audit_retention,
        })
    }

    /// Which migrations are in place.
    pub(super) async fn migration_status(&self) -> Result<MigrationStatus, MigrationError> {
        self.check_encoding().await?;
        repositories::migrations::status(&self.connections.read().await?, MIGRATIONS).await
    }

    /// Applies the migrations that are not in place, and grants the role of the service what it needs.
    pub(super) async fn migrate(&self) -> Result<MigrationStatus, MigrationError> {
        self.check_encoding().await?;
        let status = repositories::migrations::run(&self.connections, MIGRATIONS).await?;
        if let Some(role) = &self.runtime_role {
            runtime_role::grant(self.connections.write().await?, role).await?;
        }
        audit_rules::keep_for(self.connections.write().await?, self.audit_retention).await?;
        Ok(status)
    }

    /// Other encodings lack letters, and `SQL_ASCII` takes any bytes.
    async fn check_encoding(&self) -> Result<(), MigrationError> {
        let encoding = diesel::select(sql::<Text>("current_setting('server_encoding')"));
        match self.connections.read().await?.find(encoding).await? {
            Some(found) if found != "UTF8" => Err(MigrationError::Encoding { found }),
            _ => Ok(()),
        }
    }

    /// What protects the audit trail from whoever these settings are.
    pub(super) async fn audit_guard(&self) -> StoreResult<AuditGuard> {
        audit_rules::guard(self.connections.read().await?).await
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn read(&self) -> StoreResult<Box<dyn Transaction>> {
        Ok(Box::new(self.connections.read().await?))
    }

    async fn read_reserved(&self) -> StoreResult<Box<dyn Transaction>> {
        Ok(Box::new(self.reserved.read().await?))
    }

    async fn write(&self) -> StoreResult<Box<dyn Transaction>> {
        Ok(Box::new(self.connections.write().await?))
    }

    async fn notify(&self) -> StoreResult<()> {
        self.reserved.read().await?.batch(notifications::NOTIFY).await
    }

    async fn listen(&self, notified: &(dyn Fn() + Send + Sync)) -> StoreResult<()> {
        notifications::listen(&self.connector, &self.limit, notified).await
    }

    /// Asks on the reserved connection, so that busy ones are not taken for a database that is away.
    async fn ping(&self) -> StoreResult<()> {
        let answer = self.reserved.ping(PING_LIMIT).await;
        if answer.is_err() {
            self.connections.close_idle();
        }
        answer
    }

    fn pools(&self) -> Vec<PoolUse> {
        vec![self.connections.status("connections")]
    }

    /// The server vacuums by itself.
    async fn checkpoint(&self) -> StoreResult<()> {
        Ok(())
    }
}
