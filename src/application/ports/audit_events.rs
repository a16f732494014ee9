use async_trait::async_trait;

use super::StoreResult;
use crate::domain::Timestamp;
use crate::domain::audit::Event;
use crate::domain::id::AuditEventId;

/// The audit trail: events are added and read, never changed.
#[async_trait]
pub trait AuditEvents: Send {
    /// Adds an event at the end of the trail.
    async fn insert_audit_event(&mut self, id: AuditEventId, time: Timestamp, event: &Event) -> StoreResult<()>;
}
