//! Watches the clock: what was stored while it was ahead is brought back once it is right.
//!
//! Rules reckon with moments that were the present when they were stored. After a clock that was 400 days ahead they would
//! hold for 400 days: a waiting time of an hour, a job that is due in a minute, a session. So whoever starts to serve, or sees
//! the clock set back, brings everything in the store back to what its rule allows from then on.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio::sync::Mutex;

use super::Ports;
use super::access::feed::AccessFeed;
use super::error::Result;
use super::jobs::JobKind;
use super::keys::Keys;
use super::policy::Policy;
use super::ports::{Clock, Store};
use crate::domain::Timestamp;
use crate::domain::token::signing_key::MAX_SKEW;

/// A clock that notices when it is set back.
pub struct ClockWatch {
    clock: Arc<dyn Clock>,
    store: Arc<dyn Store>,
    keys: Arc<Keys>,
    feed: Arc<AccessFeed>,
    policy: Arc<Policy>,
    /// The latest time that this process has seen, in seconds since 1970.
    latest: AtomicI64,
    in_order: Mutex<()>,
}

impl ClockWatch {
    /// Watches the clock of these ports.
    #[must_use]
    pub fn new(ports: &Ports, keys: Arc<Keys>, feed: Arc<AccessFeed>, policy: Arc<Policy>) -> Self {
        let (clock, store) = (ports.clock.clone(), ports.store.clone());
        Self { clock, store, keys, feed, policy, latest: AtomicI64::new(i64::MIN), in_order: Mutex::new(()) }
    }

    /// Brings back what was stored before this process began.
    pub async fn begin(&self) -> Result<()> {
        let _in_order = self.in_order.lock().await;
        self.correct(self.clock.now()).await
    }

    /// The time. If the clock was set back since the last look, the store is brought back first. What fails is tried again at
    /// the next look.
    pub async fn now(&self) -> Timestamp {
        let now = self.clock.now();
        let latest = self.latest.fetch_max(now.unix_timestamp(), Ordering::Relaxed);
        if !is_set_back(latest, now) {
            return now;
        }
        let _in_order = self.in_order.lock().await;
        if is_set_back(self.latest.load(Ordering::Relaxed), now)
            && let Err(error) = self.correct(now).await
        {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "what was stored while the clock was ahead stays so"
            );
        }
        now
    }

    /// Shortens what a process left behind whose clock was ahead, and that is not easily had again. Done now and then rather
    /// than at once: a machine that starts with a clock far behind has time to set it.
    pub async fn shorten(&self) -> Result<()> {
        let now = self.clock.now();
        loop {
            let mut tx = self.store.write().await?;
            let count = tx.clock_corrections().shorten(&self.policy, now).await?;
            tx.commit().await?;
            if count == 0 {
                return Ok(());
            }
            tracing::warn!(count, "what was to last for too long was shortened: a clock was ahead");
        }
    }

    async fn correct(&self, now: Timestamp) -> Result<()> {
        let waits = JobKind::ALL.map(|kind| kind.waits(&self.policy));
        let mut tx = self.store.write().await?;
        let rows = tx.clock_corrections().bring_back(&self.policy, now).await?;
        let jobs = tx.clock_corrections().bring_jobs_back(&waits, now).await?;
        tx.commit().await?;
        let was_ahead = is_set_back(self.latest.load(Ordering::Relaxed), now) || rows + jobs > 0;
        if was_ahead {
            tracing::warn!(rows, jobs, "the clock was ahead: what was stored by it counts from now on");
            self.feed.forget();
        }
        self.keys.correct(was_ahead, now).await?;
        self.latest.store(now.unix_timestamp(), Ordering::Relaxed);
        Ok(())
    }
}

fn is_set_back(latest: i64, now: Timestamp) -> bool {
    now.unix_timestamp() < latest.saturating_sub(MAX_SKEW.whole_seconds())
}
