use async_trait::async_trait;

use super::StoreResult;
use crate::domain::Timestamp;
use crate::domain::credential::throttle::{Budget, SlowDown, Throttle, ThrottleKey};

/// Counters of attempts, shared by all replicas.
#[async_trait]
pub trait Throttles: Send + Sync {
    /// The counter.
    async fn find_throttle(&self, key: &ThrottleKey) -> StoreResult<Option<Throttle>>;

    /// Counts an attempt if it does not have to wait at `now`; atomic. Whether it did. Nobody else counts before the
    /// transaction ends.
    async fn count_attempt(&self, key: &ThrottleKey, rule: &SlowDown, now: Timestamp) -> StoreResult<bool>;

    /// Counts an event if the budget allows one at `now`; atomic. Whether it did.
    async fn take_budget(&self, key: &ThrottleKey, budget: &Budget, now: Timestamp) -> StoreResult<bool>;

    /// Forgets a counter: what it was, with all that others counted before.
    async fn take_throttle(&self, key: &ThrottleKey) -> StoreResult<Option<Throttle>>;

    /// Erases up to `limit` counters whose last event was before `before`. How many.
    async fn purge_throttles(&self, before: Timestamp, limit: i64) -> StoreResult<usize>;
}
