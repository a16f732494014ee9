//! Pools of connections, and what units of work they give.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use deadpool::managed::{Manager, Object, Pool, PoolError, QueueMode};
use tokio::time::Instant;
use tracing::Instrument as _;

use super::error::unavailable;
use super::unit::{Backend, Unit};
use super::wait_limit::WaitLimit;
use crate::application::ports::{ChangeSink, PoolUse, StoreError, StoreResult};

/// Connections to one database, as givers of units of work.
pub(super) struct Connections<B: Backend> {
    pool: Pool<B>,
    limit: WaitLimit,
    acquire_limit: WaitLimit,
    waits: Waits,
    sink: Arc<dyn ChangeSink>,
}

/// How long units of work have waited for a connection, and how many got none.
#[derive(Default)]
struct Waits {
    nanoseconds: AtomicU64,
    timeouts: AtomicU64,
}

impl<B: Backend + Manager<Error = StoreError>> Connections<B> {
    /// Up to `most` connections, opened when they are needed, whose statements may take as long as the limit says.
    pub(super) fn new(
        backend: B,
        most: usize,
        (limit, acquire_timeout): (&WaitLimit, Duration),
        sink: Arc<dyn ChangeSink>,
    ) -> StoreResult<Self> {
        // The connection used last is used next, so that a burst leaves no more connections busy than it needs.
        let pool = Pool::builder(backend).max_size(most).queue_mode(QueueMode::Lifo).build().map_err(unavailable)?;
        let acquire_limit = limit.with(acquire_timeout);
        Ok(Self { pool, limit: limit.clone(), acquire_limit, waits: Waits::default(), sink })
    }

    /// A unit without a transaction.
    pub(super) async fn read(&self) -> StoreResult<Unit<B>> {
        Ok(Unit::new(self.acquire().await?, self.limit.clone(), self.sink.clone()))
    }

    /// A unit in a transaction.
    pub(super) async fn write(&self) -> StoreResult<Unit<B>> {
        let unit = self.read().await?;
        unit.begin().await.map(|()| unit)
    }

    /// Whether the database answers within a time. If it does not, all who wait for it are told, and connections that do
    /// nothing are closed: they led to the same silence. An error is an answer.
    pub(super) async fn ping(&self, time_limit: Duration) -> StoreResult<()> {
        let limit = self.limit.with(time_limit);
        let ask = async {
            let mut unit = self.read().await?;
            unit.set_limit(limit.clone());
            let answer = unit.batch("SELECT 1").await;
            if unit.is_silent() { Ok(None) } else { answer.map(Some) }
        };
        match limit.wait(Box::pin(ask)).await {
            Some(Ok(Some(()))) => Ok(()),
            Some(Err(refused)) => Err(refused),
            Some(Ok(None)) | None => {
                self.limit.interrupt();
                self.close_idle();
                Err(unavailable("the database does not answer"))
            }
        }
    }

    /// Closes the connections that do nothing.
    pub(super) fn close_idle(&self) {
        self.pool.retain(|_, _| false);
    }

    /// How busy the connections are now, under this name.
    pub(super) fn status(&self, name: &'static str) -> PoolUse {
        let status = self.pool.status();
        // The two are not read at one moment.
        let used = status.size.saturating_sub(status.available);
        PoolUse {
            name,
            most: status.max_size,
            used,
            idle: status.available,
            waiting: status.waiting,
            waited: Duration::from_nanos(self.waits.nanoseconds.load(Ordering::Relaxed)),
            timeouts: self.waits.timeouts.load(Ordering::Relaxed),
        }
    }

    async fn acquire(&self) -> StoreResult<Object<B>> {
        // Boxed, as opening a connection is a large future, and a wait holds what it waits for twice.
        let acquired = self.acquire_limit.wait(Box::pin(self.pool.get()));
        let began = Instant::now();
        let acquired = acquired.instrument(tracing::trace_span!("connection")).await;
        let waited = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.waits.nanoseconds.fetch_add(waited, Ordering::Relaxed);
        if acquired.is_none() {
            self.waits.timeouts.fetch_add(1, Ordering::Relaxed);
        }
        match acquired {
            Some(Ok(connection)) => Ok(connection),
            Some(Err(PoolError::Backend(refused))) => Err(refused),
            Some(Err(other)) => Err(unavailable(other.to_string())),
            None if self.pool.status().size < self.pool.status().max_size => Err(unavailable(
                "the database gave no connection in time: it is away, or it or a pooler before it has no more of them",
            )),
            None => Err(unavailable(
                "no connection was free in time: all of IPSE_DATABASE_MAX_CONNECTIONS were in use, or the database or a \
                 pooler before it gave fewer of them",
            )),
        }
    }
}
