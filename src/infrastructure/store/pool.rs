//! Pools of connections, and what units of work they give.

use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::{Manager, Object, Pool, PoolError, QueueMode};

use super::DatabaseSettings;
use super::error::unavailable;
use super::unit::{Backend, Unit};
use crate::application::ports::{ChangeSink, PoolUse, StoreError, StoreResult};

/// Connections to one database, as givers of units of work.
pub(super) struct Connections<B: Backend> {
    pool: Pool<B>,
    acquire_timeout: Duration,
    sink: Arc<dyn ChangeSink>,
}

impl<B: Backend + Manager<Error = StoreError>> Connections<B> {
    /// Up to `most` connections, opened when they are needed.
    pub(super) fn new(
        backend: B,
        most: usize,
        settings: &DatabaseSettings,
        sink: Arc<dyn ChangeSink>,
    ) -> StoreResult<Self> {
        // The connection used last is used next, so that a burst leaves no more connections busy than it needs.
        let pool = Pool::builder(backend).max_size(most).queue_mode(QueueMode::Lifo).build().map_err(unavailable)?;
        Ok(Self { pool, acquire_timeout: settings.acquire_timeout, sink })
    }

    /// A unit without a transaction.
    pub(super) async fn read(&self) -> StoreResult<Unit<B>> {
        Ok(Unit::new(self.acquire().await?, self.sink.clone()))
    }

    /// A unit in a transaction. Whether an idle connection still works shows when the transaction begins: if not, all
    /// idle ones are gone with it and a fresh one is tried.
    pub(super) async fn write(&self) -> StoreResult<Unit<B>> {
        let mut unit = self.read().await?;
        match unit.begin().await {
            Err(StoreError::Unavailable(_)) => drop(unit),
            begun => return begun.map(|()| unit),
        }
        let mut unit = self.read().await?;
        unit.begin().await.map(|()| unit)
    }

    /// Whether the database answers.
    pub(super) async fn ping(&self) -> StoreResult<()> {
        self.read().await?.batch("SELECT 1").await
    }

    /// How busy the connections are now, under this name.
    pub(super) fn status(&self, name: &'static str) -> PoolUse {
        let status = self.pool.status();
        // The two are not read at one moment.
        let used = status.size.saturating_sub(status.available);
        PoolUse { name, most: status.max_size, used, idle: status.available, waiting: status.waiting }
    }

    async fn acquire(&self) -> StoreResult<Object<B>> {
        match tokio::time::timeout(self.acquire_timeout, self.pool.get()).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(PoolError::Backend(refused))) => Err(refused),
            Ok(Err(other)) => Err(unavailable(other.to_string())),
            Err(_) => Err(unavailable("no connection was free in time")),
        }
    }
}
