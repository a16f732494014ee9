use async_trait::async_trait;

use super::StoreResult;
use crate::domain::Timestamp;
use crate::domain::audit::filter::AuditFilter;
use crate::domain::audit::{AuditEvent, Event};
use crate::domain::id::AuditEventId;

/// How far a reader who follows the trail has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrailPosition {
    /// The number of the last event that was passed on.
    pub after: i64,
    /// Missing numbers that the reader waits for.
    pub gap: Option<TrailGap>,
}

/// Numbers that are missing in what a reader sees: taken by transactions that may still be under way, or that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailGap {
    /// All missing numbers are below this one, which is there.
    pub below: i64,
    /// The transactions that may own one of them, as the store tells them apart.
    pub writers: Vec<String>,
}

/// The audit trail: events are added and read, and erased when they are old, but never changed.
#[async_trait]
pub trait AuditEvents: Send {
    /// Adds an event at the end of the trail.
    async fn insert_audit_event(&mut self, id: AuditEventId, time: Timestamp, event: &Event) -> StoreResult<()>;

    /// A page of events, the one with the greatest number first, below a number.
    async fn list_audit_events(
        &mut self,
        filter: &AuditFilter,
        page: (Option<i64>, i64),
    ) -> StoreResult<Vec<AuditEvent>>;

    /// Up to `limit` events after a position, in the order of their numbers, and moves the position behind them. Whoever
    /// follows the trail like this misses none: an event is held back as long as one with a lower number may still
    /// appear. Not to be called in a transaction.
    async fn follow_audit_events(&mut self, position: &mut TrailPosition, limit: i64) -> StoreResult<Vec<AuditEvent>>;

    /// Erases up to `limit` events that happened before `before`, oldest first. How many. Events younger than 30 days, by
    /// the database's own clock, stay in any case.
    async fn purge_audit_events(&mut self, before: Timestamp, limit: i64) -> StoreResult<usize>;
}
