//! The store on SQLite.

mod columns;
mod connector;
mod dialect;
mod in_order;
#[path = "../repositories/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "one set of repositories, compiled for each backend")]
mod repositories;
mod schema;

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use diesel::sql_query;
use diesel::sql_types::Text;
use tokio::fs::OpenOptions;

use super::error::unavailable;
use super::migrations::{MigrationError, MigrationStatus, SQLITE as MIGRATIONS};
use super::pool::Connections;
use super::wait_limit::WaitLimit;
use super::{DatabaseSettings, unit};
use crate::application::ports::{ChangeSink, PoolUse, Store, StoreResult, Transaction};

use connector::{Connection, Connector, Role};

type Database = diesel::sqlite::Sqlite;
type Unit = unit::Unit<Connector>;

/// How long a statement may take: longer than it waits for other processes on the same file.
const STATEMENT_LIMIT: Duration = Duration::from_secs(30);
/// How long the file may take to be read. A disk that is slow to write is no reason to send callers elsewhere.
const PING_LIMIT: Duration = Duration::from_secs(10);

/// A SQLite file. There is one writer, as SQLite takes one at a time anyway and waiting for a connection is fairer than
/// polling for its lock.
pub(super) struct SqliteStore {
    writer: Connections<Connector>,
    readers: Connections<Connector>,
    reserved: Connections<Connector>,
}

impl SqliteStore {
    /// The file at this path, which is made if there is none. No connection is opened yet.
    pub(super) async fn new(path: &Path, settings: &DatabaseSettings, sink: Arc<dyn ChangeSink>) -> StoreResult<Self> {
        make_private_file(path).await?;
        let limit = WaitLimit::new(STATEMENT_LIMIT);
        let times = (&limit, settings.acquire_timeout);
        let connections = |role, most| Connections::new(Connector::new(path, role)?, most, times, sink.clone());
        Ok(Self {
            writer: connections(Role::Writer, 1)?,
            readers: connections(Role::Reader, settings.max_connections)?,
            reserved: connections(Role::Reader, 1)?,
        })
    }

    /// Which migrations are in place.
    pub(super) async fn migration_status(&self) -> Result<MigrationStatus, MigrationError> {
        repositories::migrations::status(&self.readers.read().await?, MIGRATIONS).await
    }

    /// Copies what is committed into an empty file. That takes as long as it takes, and nobody waits for it.
    pub(super) async fn copy_into(&self, path: &str) -> StoreResult<()> {
        let mut unit = self.writer.read().await?;
        unit.set_limit(WaitLimit::none());
        unit.execute(sql_query("VACUUM INTO ?").bind::<Text, _>(path)).await.map(|_| ())
    }

    /// Applies the migrations that are not in place.
    pub(super) async fn migrate(&self) -> Result<MigrationStatus, MigrationError> {
        repositories::migrations::run(&self.writer, MIGRATIONS).await
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn read(&self) -> StoreResult<Box<dyn Transaction>> {
        Ok(Box::new(self.readers.read().await?))
    }

    async fn read_reserved(&self) -> StoreResult<Box<dyn Transaction>> {
        Ok(Box::new(self.reserved.read().await?))
    }

    async fn write(&self) -> StoreResult<Box<dyn Transaction>> {
        Ok(Box::new(self.writer.write().await?))
    }

    /// Processes on one file learn of each other's changes by reading.
    async fn notify(&self) -> StoreResult<()> {
        Ok(())
    }

    async fn listen(&self, _: &(dyn Fn() + Send + Sync)) -> StoreResult<()> {
        std::future::pending().await
    }

    async fn ping(&self) -> StoreResult<()> {
        self.reserved.ping(PING_LIMIT).await
    }

    fn pools(&self) -> Vec<PoolUse> {
        vec![self.writer.status("writer"), self.readers.status("readers")]
    }

    async fn checkpoint(&self) -> StoreResult<()> {
        self.writer.read().await?.batch(dialect::CHECKPOINT).await
    }
}

/// Makes the file for this user alone; SQLite gives the log and the index beside it the same permissions. An existing
/// file is not even opened: closing it again would cancel the locks of this process's other connections.
async fn make_private_file(path: &Path) -> StoreResult<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).await {
        Err(refused) if refused.kind() != ErrorKind::AlreadyExists => Err(unavailable(refused)),
        _ => Ok(()),
    }
}
