use async_trait::async_trait;
use time::Duration;

use super::StoreResult;
use crate::application::policy::Policy;
use crate::domain::Timestamp;

/// How long the jobs of a kind may wait.
#[derive(Debug, Clone, Copy)]
pub struct JobWaits {
    /// The kind.
    pub kind: &'static str,
    /// Before the first attempt, or between two rounds.
    pub usual: Duration,
    /// The longest, for whatever reason.
    pub longest: Duration,
    /// While a worker has it.
    pub lease: Duration,
    /// How long it is tried, if it is ever given up.
    pub give_up_after: Option<Duration>,
}

/// Moments that were stored while the clock was ahead. What lies after `now` by more than clocks may differ is brought
/// back to what its rule allows from `now` on; everything else stays as it is.
#[async_trait]
pub trait ClockCorrections: Send {
    /// Brings back what soon makes itself felt, and what costs nothing to lose should it be the present clock that is
    /// wrong: counters, mailed tokens, challenges, enrolments, answers to repeats, used codes, revocations, uses of API
    /// keys. How many rows.
    async fn bring_back(&mut self, policy: &Policy, now: Timestamp) -> StoreResult<usize>;

    /// The same for jobs of these kinds. How many.
    async fn bring_jobs_back(&mut self, waits: &[JobWaits], now: Timestamp) -> StoreResult<usize>;

    /// Shortens what is not easily had again: sessions, API keys, the data of deleted accounts. How many rows;
    /// to be done again until there are none.
    async fn shorten(&mut self, policy: &Policy, now: Timestamp) -> StoreResult<usize>;
}
