use async_trait::async_trait;

use super::{Position, StoreResult};
use crate::domain::Timestamp;
use crate::domain::access::change::{AccessChange, TokenMarks};

/// A change that was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedChange {
    /// Its number. Numbers grow and are never used again, but become visible in another order.
    pub sequence: i64,
    /// What changed.
    pub change: AccessChange,
    /// From when on it is of no more interest.
    pub forget_after: Timestamp,
}

/// What changes the worth of access tokens. Other repositories add such changes by themselves where they end sessions or
/// change roles.
#[async_trait]
pub trait AccessChanges: Send + Sync {
    /// Adds changes of `now`. How many: a token that is revoked already stays so.
    async fn insert_access_changes(&self, changes: &[AccessChange], now: Timestamp) -> StoreResult<usize>;

    /// Up to `limit` changes that a position has not seen, in the order of their numbers, and moves the position. Every
    /// change that is visible comes at once, one with a lower number later if it was committed later; some may come twice.
    /// Fewer than `limit`: those are all. Not to be called in a transaction.
    async fn follow_access_changes(&self, position: &mut Position, limit: i64) -> StoreResult<Vec<RecordedChange>>;

    /// Whether a change makes this token void.
    async fn is_void(&self, token: &TokenMarks<'_>) -> StoreResult<bool>;

    /// Erases up to `limit` changes that are of no more interest at `now`. How many.
    async fn purge_access_changes(&self, now: Timestamp, limit: i64) -> StoreResult<usize>;
}

/// Learns of the changes that this process commits.
pub trait ChangeSink: Send + Sync {
    /// Takes changes, each with the time from which on it is of no more interest. They were committed just now. Must not
    /// wait for anything: the call that made them does.
    fn committed(&self, changes: Vec<(AccessChange, Timestamp)>);
}

/// Nobody wants to know.
impl ChangeSink for () {
    fn committed(&self, _: Vec<(AccessChange, Timestamp)>) {}
}
