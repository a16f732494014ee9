use async_trait::async_trait;

use super::{Position, StoreResult};
use crate::domain::Timestamp;
use crate::domain::audit::filter::AuditFilter;
use crate::domain::audit::{AuditEvent, Event};
use crate::domain::id::AuditEventId;

/// The audit trail: events are added and read, and erased when they are old, but never changed.
#[async_trait]
pub trait AuditEvents: Send + Sync {
    /// Adds an event at the end of the trail.
    async fn insert_audit_event(&self, id: AuditEventId, time: Timestamp, event: &Event) -> StoreResult<()>;

    /// A page of events, the one with the greatest number first, below a number.
    async fn list_audit_events(&self, filter: &AuditFilter, page: (Option<i64>, i64)) -> StoreResult<Vec<AuditEvent>>;

    /// Up to `limit` events after a position, in the order of their numbers, and moves the position behind them. Whoever
    /// follows the trail like this misses none: an event is held back as long as one with a lower number may still
    /// appear. Not to be called in a transaction.
    async fn follow_audit_events(&self, position: &mut Position, limit: i64) -> StoreResult<Vec<AuditEvent>>;

    /// Erases up to `limit` events that happened before `before`, oldest first. How many. Events younger than 30 days, by
    /// the database's own clock, stay in any case.
    async fn purge_audit_events(&self, before: Timestamp, limit: i64) -> StoreResult<usize>;
}
