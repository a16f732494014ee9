//! What makes access tokens void, in the memory of each process: checking a token costs no query.
//!
//! Every change of what tokens are worth is a row that the store writes in the transaction of the change. The process that
//! made it takes it in as soon as it is committed. All others read the rows every 200 ms, and at once when they get a
//! notification, which may get lost. A process trusts its memory only if the last reading that went well *began* within the
//! last second by the clock, so that it knows all that was committed a second ago. Otherwise the database is asked for each
//! token, and if that fails, nobody is let in.

mod memory;
#[cfg(test)]
mod tests;

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use time::Duration;
use tokio::sync::{Mutex, Notify, watch};

use self::memory::Memory;
pub use self::memory::{Cursor, Page, Revocation, TooFarBehind};
use crate::application::causes::Causes;
use crate::application::error::Result;
use crate::application::ports::{ChangeSink, Clock, Position, Store};
use crate::domain::Timestamp;
use crate::domain::access::change::{AccessChange, TokenMarks};

/// For how long what was read is trusted.
const FRESH: Duration = Duration::SECOND;
/// How often the changes of other processes are looked for.
const POLL: std::time::Duration = std::time::Duration::from_millis(200);
/// The least time between two looks, however many notifications there are.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(20);
/// How many changes are read at a time.
const BATCH: i64 = 1000;

/// What memory alone tells of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// No change makes it void.
    Good,
    /// A change makes it void, for ever.
    Void,
    /// What is in memory is too old to tell.
    Unknown,
}

/// The changes of the last token lifetime.
pub struct AccessFeed {
    clock: Arc<dyn Clock>,
    state: RwLock<State>,
    position: Mutex<Position>,
    wake: Notify,
    news: watch::Sender<u64>,
    key_sets: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    memory: Memory,
    /// When the last look began that went well.
    looked: Option<Timestamp>,
    /// All changes with a number up to this one are in memory, or forgotten.
    watermark: i64,
    /// The greatest number of a change that was read.
    seen: i64,
    /// How often somebody's rights changed.
    rights: u64,
    /// Whether this process committed changes that it has not notified the others of.
    is_notification_due: bool,
    /// Whether the numbers that were read may be others now.
    is_to_start_over: bool,
}

impl AccessFeed {
    /// A feed that knows nothing yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            state: RwLock::default(),
            position: Mutex::default(),
            wake: Notify::new(),
            news: watch::Sender::new(0),
            key_sets: watch::Sender::new(0),
        }
    }

    /// Follows the changes in the database for ever. The caller ends that by dropping the future.
    pub async fn follow(&self, store: &dyn Store) {
        let mut is_failing = false;
        loop {
            self.publish();
            let looked = self.notify(store).await.and(self.look(store).await);
            if let (Err(error), false) = (&looked, is_failing) {
                tracing::warn!(error = %Causes(error), "access changes cannot be followed");
            }
            is_failing = looked.is_err();
            tokio::time::sleep(PAUSE).await;
            let _ = tokio::time::timeout(POLL.saturating_sub(PAUSE), self.wake.notified()).await;
        }
    }

    /// Looks once for changes in the database, and takes all of them in.
    pub async fn look(&self, store: &dyn Store) -> Result<()> {
        let mut position = self.position.lock().await;
        if std::mem::take(&mut self.write().is_to_start_over) {
            *position = Position::default();
        }
        let began = self.clock.now();
        let tx = store.read_reserved().await?;
        loop {
            let changes = tx.access_changes().follow_access_changes(&mut position, BATCH).await?;
            let is_all = i64::try_from(changes.len()).is_ok_and(|count| count < BATCH);
            let mut state = self.write();
            for recorded in changes {
                self.take_in(&mut state, (recorded.change, recorded.forget_after), Some(recorded.sequence));
            }
            if is_all {
                state.looked = Some(began);
                (state.watermark, state.seen) = (position.watermark(), position.seen);
                state.memory.forget(began);
                break;
            }
        }
        self.publish();
        Ok(())
    }

    /// Has changes looked for as soon as possible: there was a notification.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Has everything read again, as the connection to the database was lost: a standby that took over may lack the last
    /// changes, and give their numbers to others.
    pub fn start_over(&self) {
        self.write().is_to_start_over = true;
        self.wake();
    }

    /// Forgets everything, and has it read again: the store was changed.
    pub fn forget(&self) {
        let mut state = self.write();
        state.memory.clear();
        (state.looked, state.is_to_start_over) = (None, true);
        drop(state);
        self.wake();
    }

    /// What memory tells of a token.
    #[must_use]
    pub fn judge(&self, token: &TokenMarks<'_>) -> Standing {
        let state = self.read();
        if state.memory.voids(token) {
            Standing::Void
        } else if state.age(self.clock.now()).is_some_and(|age| age <= FRESH) {
            Standing::Good
        } else {
            Standing::Unknown
        }
    }

    /// Stands for the rights of everybody: what was read from the database after this was asked for holds as long as this
    /// stays the same. Nothing if what is in memory is too old to tell.
    #[must_use]
    pub fn rights_version(&self) -> Option<u64> {
        let state = self.read();
        state.age(self.clock.now()).filter(|age| *age <= FRESH).map(|_| state.rights)
    }

    /// How long ago the last look began that went well; nothing before the first one, and if the clock was put back.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        self.read().age(self.clock.now())
    }

    /// How many revocations are in memory.
    #[must_use]
    pub fn len(&self) -> usize {
        self.read().memory.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many readers wait for news.
    #[must_use]
    pub fn readers(&self) -> usize {
        self.news.receiver_count()
    }

    /// The beginning of the log for a reader who knows all changes with a number up to `after`. Looks for changes first, if
    /// what is in memory is too old or the reader knows more. A number that nobody has given stands for nothing at all.
    pub async fn begin(&self, store: &dyn Store, after: i64) -> Result<Cursor> {
        if self.rights_version().is_none() || after > self.read().seen {
            self.look(store).await?;
        }
        let state = self.read();
        Ok(state.memory.begin(if after <= state.seen { after } else { 0 }))
    }

    /// The next entries of the log, and the number up to which a reader who has read all of it knows the changes.
    pub fn page(
        &self,
        cursor: &mut Cursor,
        limit: usize,
        most_behind: u64,
    ) -> std::result::Result<(Page, i64), TooFarBehind> {
        let state = self.read();
        Ok((state.memory.read(cursor, limit, most_behind)?, state.watermark))
    }

    /// Changes whenever there is something new in the log. Several changes may be one.
    #[must_use]
    pub fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// Changes whenever there are other signing keys, or one was revoked.
    #[must_use]
    pub fn key_sets(&self) -> watch::Receiver<u64> {
        self.key_sets.subscribe()
    }

    async fn notify(&self, store: &dyn Store) -> Result<()> {
        if std::mem::take(&mut self.write().is_notification_due) {
            store.notify().await?;
        }
        Ok(())
    }

    /// Wakes those who read the log. Not done where changes are taken in: a call that ends a session must not wait until
    /// a thousand readers have been woken.
    fn publish(&self) {
        let end = self.read().memory.end();
        self.news.send_if_modified(|told| std::mem::replace(told, end) != end);
    }

    fn take_in(&self, state: &mut State, (change, forget_after): (AccessChange, Timestamp), sequence: Option<i64>) {
        match change {
            AccessChange::Rights => state.rights += 1,
            AccessChange::KeySet => self.key_sets.send_modify(|version| *version += 1),
            _ => {
                if matches!(change, AccessChange::Key(_)) {
                    self.key_sets.send_modify(|version| *version += 1);
                }
                state.memory.insert((change, forget_after), sequence, state.watermark);
            }
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ChangeSink for AccessFeed {
    fn committed(&self, changes: Vec<(AccessChange, Timestamp)>) {
        let mut state = self.write();
        for change in changes {
            self.take_in(&mut state, change, None);
        }
        state.is_notification_due = true;
        drop(state);
        self.wake();
    }
}

impl State {
    fn age(&self, now: Timestamp) -> Option<Duration> {
        self.looked.map(|began| now - began).filter(|age| !age.is_negative())
    }
}
