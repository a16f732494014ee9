use async_trait::async_trait;

use super::StoreResult;
use crate::domain::Timestamp;
use crate::domain::credential::throttle::{Budget, Throttle, ThrottleKey};

/// Counters of attempts, shared by all replicas.
#[async_trait]
pub trait Throttles: Send {
    /// The counter.
    async fn find_throttle(&mut self, key: &ThrottleKey) -> StoreResult<Option<Throttle>>;

    /// Counts an event; atomic. A counter whose last event was before `forget_before` begins anew at one.
    async fn count_event(&mut self, key: &ThrottleKey, now: Timestamp, forget_before: Timestamp) -> StoreResult<()>;

    /// Counts an event if the budget allows one at `now`; atomic. Whether it did.
    async fn take_budget(&mut self, key: &ThrottleKey, budget: &Budget, now: Timestamp) -> StoreResult<bool>;

    /// Forgets a counter.
    async fn forget_throttle(&mut self, key: &ThrottleKey) -> StoreResult<()>;

    /// Erases up to `limit` counters whose last event was before `before`. How many.
    async fn purge_throttles(&mut self, before: Timestamp, limit: i64) -> StoreResult<usize>;
}
