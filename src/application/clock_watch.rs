//! Watches the clock: what was stored while it was ahead is brought back once it is right.
//!
//! Rules reckon with moments that were the present when they were stored. After a clock that was 400 days ahead they would
//! hold for 400 days: a waiting time of an hour, a job that is due in a minute, a session. So whoever starts to serve, or sees
//! the clock set back, brings everything in the store back to what its rule allows from then on.
//!
//! A machine that starts with its clock behind, before it has asked the network for the time, sees the same. Once its clock
//! has passed what seemed to be the future, what was brought back counts from then on: otherwise a revoked token would be good
//! again, a removal of factors would not wait, and mail would be given up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use time::Duration;
use tokio::sync::Mutex;

use super::Ports;
use super::access::feed::AccessFeed;
use super::error::Result;
use super::jobs::JobKind;
use super::keys::Keys;
use super::policy::Policy;
use super::ports::{Clock, Misdated, Store, Transaction};
use crate::domain::Timestamp;
use crate::domain::token::signing_key::MAX_SKEW;

/// How long a clock that is behind has to be set.
const TIME_TO_SET: Duration = Duration::minutes(10);

/// A clock that notices when it is set back.
pub struct ClockWatch {
    clock: Arc<dyn Clock>,
    store: Arc<dyn Store>,
    keys: Arc<Keys>,
    feed: Arc<AccessFeed>,
    policy: Arc<Policy>,
    /// The latest time that this process has seen, in seconds since 1970.
    latest: AtomicI64,
    /// What this process did last. Corrections are done one at a time.
    done: Mutex<Option<Correction>>,
    /// A correction may have to be done over: what every call can look at without waiting.
    is_open: AtomicBool,
}

/// The store was brought back.
#[derive(Clone, Copy)]
struct Correction {
    /// To this moment.
    to: Timestamp,
    /// From moments up to this one. If the clock passes it while the correction is new, it was the present.
    from: Timestamp,
}

impl ClockWatch {
    /// Watches the clock of these ports.
    #[must_use]
    pub fn new(ports: &Ports, keys: Arc<Keys>, feed: Arc<AccessFeed>, policy: Arc<Policy>) -> Self {
        let (clock, store) = (ports.clock.clone(), ports.store.clone());
        Self {
            clock,
            store,
            keys,
            feed,
            policy,
            latest: AtomicI64::new(i64::MIN),
            done: Mutex::new(None),
            is_open: AtomicBool::new(false),
        }
    }

    /// Brings back what was stored before this process began.
    pub async fn begin(&self) -> Result<()> {
        let mut done = self.done.lock().await;
        self.correct(&mut done, self.clock.now()).await
    }

    /// The time. If the clock was set back since the last look, the store is brought back first. What fails is tried again at
    /// the next look.
    pub async fn now(&self) -> Timestamp {
        let now = self.clock.now();
        let latest = self.latest.fetch_max(now.unix_timestamp(), Ordering::Relaxed);
        if !is_set_back(latest, now) && !self.is_open.load(Ordering::Relaxed) {
            return now;
        }
        let mut done = self.done.lock().await;
        let looked = if is_set_back(self.latest.load(Ordering::Relaxed), now) {
            self.correct(&mut done, now).await
        } else {
            self.look_again(&mut done, is_set_ahead(latest, now), now).await
        };
        if let Err(error) = looked {
            self.latest.store(latest, Ordering::Relaxed);
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "what was stored while the clock was wrong stays so"
            );
        }
        now
    }

    /// Shortens what a process left behind whose clock was ahead, and that is not easily had again. Done now and then rather
    /// than at once: a machine that starts with a clock far behind has time to set it.
    pub async fn shorten(&self) -> Result<()> {
        let now = self.clock.now();
        loop {
            let tx = self.store.write().await?;
            let count = tx.clock_corrections().shorten(&self.policy, now).await?;
            tx.commit().await?;
            if count == 0 {
                return Ok(());
            }
            tracing::warn!(count, "what was to last for too long was shortened: a clock was ahead");
        }
    }

    async fn correct(&self, done: &mut Option<Correction>, now: Timestamp) -> Result<()> {
        let future = Misdated::future(now);
        let tx = self.store.write().await?;
        let latest = tx.clock_corrections().latest_moment().await?;
        let rows = self.bring_back(tx.as_ref(), future, now).await?;
        tx.commit().await?;
        let was_ahead = is_set_back(self.latest.load(Ordering::Relaxed), now) || rows > 0;
        if was_ahead {
            tracing::warn!(rows, "the clock was ahead: what was stored by it counts from now on");
            self.feed.forget();
        }
        self.keys.correct(was_ahead, now).await?;
        let from = latest.filter(|latest| *latest > future.after);
        self.set_done(done, from.map(|from| Correction { to: now, from }));
        self.latest.store(now.unix_timestamp(), Ordering::Relaxed);
        Ok(())
    }

    /// Does the last correction over if the clock has leapt past what it took for the future. A clock that has gone on for
    /// long enough is not set any more.
    async fn look_again(&self, done: &mut Option<Correction>, leapt: bool, now: Timestamp) -> Result<()> {
        let Some(Correction { to, from }) = *done else { return Ok(()) };
        if leapt && from <= now {
            let tx = self.store.write().await?;
            let rows = self.bring_back(tx.as_ref(), Misdated::brought_back_to(to), now).await?;
            tx.commit().await?;
            tracing::warn!(rows, "the clock was behind: what was brought back to that time counts from now on");
            self.feed.forget();
        } else if now <= to + TIME_TO_SET {
            return Ok(());
        }
        self.set_done(done, None);
        Ok(())
    }

    async fn bring_back(&self, tx: &dyn Transaction, misdated: Misdated, now: Timestamp) -> Result<usize> {
        let waits = JobKind::ALL.map(|kind| kind.waits(&self.policy));
        let rows = tx.clock_corrections().bring_back(&self.policy, misdated, now).await?;
        let jobs = tx.clock_corrections().bring_jobs_back(&waits, misdated, now).await?;
        Ok(rows + jobs)
    }

    fn set_done(&self, done: &mut Option<Correction>, correction: Option<Correction>) {
        *done = correction;
        self.is_open.store(correction.is_some(), Ordering::Relaxed);
    }
}

/// Somebody looks every second.
fn is_set_ahead(latest: i64, now: Timestamp) -> bool {
    now.unix_timestamp() > latest.saturating_add(MAX_SKEW.whole_seconds())
}

fn is_set_back(latest: i64, now: Timestamp) -> bool {
    now.unix_timestamp() < latest.saturating_sub(MAX_SKEW.whole_seconds())
}
