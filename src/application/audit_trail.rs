//! Writes events into the audit trail, in the transaction of the change they tell of: without the event there is no
//! change.

use std::sync::Arc;

use super::caller::Caller;
use super::error::Result;
use super::ports::{Entropy, Transaction};
use crate::domain::Timestamp;
use crate::domain::audit::AuditType;
pub(super) use crate::domain::audit::Event;
use crate::domain::id::AuditEventId;

/// Writes events into the audit trail.
#[derive(Clone)]
pub(super) struct AuditTrail {
    entropy: Arc<dyn Entropy>,
}

impl AuditTrail {
    pub(super) fn new(entropy: Arc<dyn Entropy>) -> Self {
        Self { entropy }
    }

    /// Writes an event. If that fails, so does the transaction.
    pub(super) async fn record(&self, tx: &mut dyn Transaction, event: Event, now: Timestamp) -> Result<()> {
        let id = AuditEventId::new(now, &self.entropy.bytes()?);
        tx.audit_events().insert_audit_event(id, now, &event).await?;
        Ok(())
    }
}

impl Event {
    /// What a caller did.
    pub(super) fn by(caller: &Caller, kind: AuditType) -> Self {
        Self::by_person(caller.user_id, &caller.origin, kind)
    }
}
