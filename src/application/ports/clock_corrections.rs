use async_trait::async_trait;
use time::Duration;

use super::StoreResult;
use crate::application::policy::Policy;
use crate::domain::Timestamp;
use crate::domain::token::signing_key::MAX_SKEW;

/// Later than anything that is stored, and a time that both stores know.
const END_OF_TIME: Timestamp = time::macros::datetime!(9999-01-01 0:00 UTC);

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

/// Moments that are not what they seem: later than the first and no later than the last.
#[derive(Debug, Clone, Copy)]
pub struct Misdated {
    /// Later than this one.
    pub after: Timestamp,
    /// Up to this one.
    pub until: Timestamp,
}

/// Moments that were stored by a clock that was wrong. They are brought to what their rule allows from `now` on; everything
/// else stays as it is.
#[async_trait]
pub trait ClockCorrections: Send + Sync {
    /// The latest moment among those that `bring_back` and `bring_jobs_back` replace.
    async fn latest_moment(&self) -> StoreResult<Option<Timestamp>>;

    /// Brings back what soon makes itself felt, and what costs nothing to lose should it be the present clock that is
    /// wrong: counters, mailed tokens, challenges, enrolments, answers to repeats, used codes, revocations, uses of API
    /// keys. How many rows.
    async fn bring_back(&self, policy: &Policy, misdated: Misdated, now: Timestamp) -> StoreResult<usize>;

    /// The same for jobs of these kinds. How many.
    async fn bring_jobs_back(&self, waits: &[JobWaits], misdated: Misdated, now: Timestamp) -> StoreResult<usize>;

    /// Shortens what is not easily had again: sessions, API keys, the data of deleted accounts. How many rows;
    /// to be done again until there are none.
    async fn shorten(&self, policy: &Policy, now: Timestamp) -> StoreResult<usize>;
}

impl Misdated {
    /// What lies after `now` by more than clocks may differ.
    #[must_use]
    pub fn future(now: Timestamp) -> Self {
        Self { after: now + MAX_SKEW, until: END_OF_TIME }
    }

    /// What was brought back to this moment.
    #[must_use]
    pub fn brought_back_to(moment: Timestamp) -> Self {
        Self { after: moment - Duration::MICROSECOND, until: moment }
    }
}
