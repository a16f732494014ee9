//! Writes events into the audit trail, in the transaction of the change they tell of: without the event there is no
//! change.

use std::sync::Arc;

use super::error::{Error, Refusal, Result};
use super::ports::{Entropy, Store, Transaction};
use crate::domain::Timestamp;
pub(super) use crate::domain::audit::Event;
use crate::domain::credential::throttle::{Budget, ThrottleKey};
use crate::domain::id::AuditEventId;

/// Writes events into the audit trail.
#[derive(Clone)]
pub(super) struct AuditTrail {
    entropy: Arc<dyn Entropy>,
}

/// What ends a call early, and may be an error.
pub(super) trait HoldsError {
    /// The error, if it is one.
    fn error(&self) -> Option<&Error>;
}

impl HoldsError for Error {
    fn error(&self) -> Option<&Error> {
        Some(self)
    }
}

impl AuditTrail {
    pub(super) fn new(entropy: Arc<dyn Entropy>) -> Self {
        Self { entropy }
    }

    /// Writes an event. If that fails, so does the transaction.
    pub(super) async fn record(&self, tx: &dyn Transaction, event: Event, now: Timestamp) -> Result<()> {
        let id = AuditEventId::new(now, &self.entropy.bytes()?);
        tx.audit_events().insert_audit_event(id, now, &event).await?;
        Ok(())
    }

    /// Writes an event of a call that changed nothing else.
    pub(super) async fn record_alone(&self, store: &dyn Store, event: Event, now: Timestamp) -> Result<()> {
        let tx = store.write().await?;
        self.record(tx.as_ref(), event, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Writes an event of a call that was refused before it did anything, in a transaction of its own. Whoever repeats
    /// such requests pays next to nothing for them, so that only the first few of one cause in an hour are written, or the
    /// trail could be filled at will.
    pub(super) async fn record_sparingly(
        &self,
        store: &dyn Store,
        (event, cause): (Event, &[u8]),
        now: Timestamp,
    ) -> Result<()> {
        let key = ThrottleKey::events(event.kind, cause);
        let counted = store.read().await?.throttles().find_throttle(&key).await?;
        if !Budget::EVENTS.has_room(counted, now) {
            return Ok(());
        }
        let tx = store.write().await?;
        if tx.throttles().take_budget(&key, &Budget::EVENTS, now).await? {
            self.record(tx.as_ref(), event, now).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Passes an outcome on, and writes an event if it is a refusal of too many attempts. Its cause is the counter, which
    /// nobody drives up for nothing.
    pub(super) async fn note_throttling<T, E: From<Error> + HoldsError>(
        &self,
        store: &dyn Store,
        outcome: std::result::Result<T, E>,
        event: Event,
        now: Timestamp,
    ) -> std::result::Result<T, E> {
        if let Some(Error::Refused(Refusal::RateLimited { counter, .. })) = outcome.as_ref().err().and_then(E::error) {
            self.record_sparingly(store, (event.denied("RATE_LIMITED"), counter.as_bytes()), now).await?;
        }
        outcome
    }
}
