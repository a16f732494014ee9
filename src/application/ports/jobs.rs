use async_trait::async_trait;

use super::StoreResult;
use crate::domain::Timestamp;
use crate::domain::id::{JobId, LeaseId, UserId};

/// What a job carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobPayload {
    /// Bytes that anybody may read who can read the database.
    Plain(Vec<u8>),
    /// Bytes that are sealed for the place of the job.
    Sealed(Vec<u8>),
}

/// A task for later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Names the job.
    pub id: JobId,
    /// What is to be done.
    pub kind: String,
    /// Whose workers do it.
    pub lane: String,
    /// For work of which there is one job in all.
    pub unique_key: Option<String>,
    /// What the work is about.
    pub payload: JobPayload,
    /// The person whom it is about; it is erased with them.
    pub user_id: Option<UserId>,
    /// When it was written.
    pub create_time: Timestamp,
    /// When to try next; while a worker has it, when the lease ends.
    pub run_time: Timestamp,
    /// From when on a failure is the last one, if ever.
    pub give_up_time: Option<Timestamp>,
    /// How many attempts were begun.
    pub attempts: i32,
}

/// The claim of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Names the claim. Whoever has another one cannot change the job.
    pub id: LeaseId,
    /// The time of the claim: what is due then can be claimed.
    pub begin: Timestamp,
    /// When others may claim the job again.
    pub end: Timestamp,
}

/// A job in the hands of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobClaim {
    /// The job.
    pub id: JobId,
    /// The lease that it was claimed under.
    pub lease: LeaseId,
}

/// A job as operators see it: nothing of what it carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedJob {
    /// Names the job.
    pub id: JobId,
    /// What is to be done.
    pub kind: String,
    /// Whose workers do it.
    pub lane: String,
    /// When it was written.
    pub create_time: Timestamp,
    /// When to try next; while a worker has it, when the lease ends.
    pub run_time: Timestamp,
    /// How many attempts were begun.
    pub attempts: i32,
    /// Whether a worker has claimed it and has not given it back.
    pub is_claimed: bool,
    /// Why the last attempt failed, if one did.
    pub last_error: Option<String>,
    /// When it was given up, if it was.
    pub dead_time: Option<Timestamp>,
}

/// How many jobs of a kind there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobCounts {
    /// The kind.
    pub kind: String,
    /// Jobs that are not done, those among them that a worker has.
    pub waiting: i64,
    /// Those that wait for nothing but a worker.
    pub due: i64,
    /// When the first of those is due.
    pub first_run_time: Option<Timestamp>,
    /// Jobs that were given up.
    pub dead: i64,
}

/// The jobs. Each is written in the transaction of the change that causes it, and erased when it is done.
///
/// What a worker does with a job after its claim depends on the lease: it does nothing, and says so, if the job is gone,
/// was given up or was claimed again.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Adds a job, unless there is one with its unique key. Whether it did.
    async fn enqueue_job(&self, job: &Job) -> StoreResult<bool>;

    /// Erases the job with this unique key, unless a worker has it. Whether there was one.
    async fn cancel_job(&self, unique_key: &str) -> StoreResult<bool>;

    /// When the next job of a lane is due, if any waits.
    async fn next_run_time(&self, lane: &str) -> StoreResult<Option<Timestamp>>;

    /// Takes up to `limit` jobs of a lane that are due, first those due for longest, for this lease alone: until its end,
    /// nobody else gets them. Their count of attempts grows, so that a worker that dies loses none.
    async fn claim_jobs(&self, lane: &str, lease: &Lease, limit: i64) -> StoreResult<Vec<Job>>;

    /// Erases a job that is done. Whether it did.
    async fn finish_job(&self, claim: JobClaim) -> StoreResult<bool>;

    /// Gives a job back that is done for this time; its attempts are counted anew. Whether it did.
    async fn reschedule_job(&self, claim: JobClaim, run_time: Timestamp) -> StoreResult<bool>;

    /// Gives a job back that failed, to be tried again. Whether it did.
    async fn retry_job_later(&self, claim: JobClaim, run_time: Timestamp, error: &str) -> StoreResult<bool>;

    /// Gives a job up: it stays on record and is not tried again by itself. Whether it did.
    async fn bury_job(&self, claim: JobClaim, now: Timestamp, error: &str) -> StoreResult<bool>;

    /// Has a job that was given up tried again from `now` on, with its attempts counted anew. Whether there was one.
    async fn revive_job(&self, id: JobId, now: Timestamp, give_up_time: Timestamp) -> StoreResult<bool>;

    /// Up to `limit` jobs in the order of their ids, from after one on; all of them, or those that were given up.
    async fn list_jobs(&self, after: JobId, dead_only: bool, limit: i64) -> StoreResult<Vec<ListedJob>>;

    /// How many jobs there are of each kind of which there is one, in the order of their names, and how many are due by `now`.
    async fn count_jobs(&self, now: Timestamp) -> StoreResult<Vec<JobCounts>>;

    /// Erases up to `limit` jobs that were given up before `before`. How many.
    async fn purge_dead_jobs(&self, before: Timestamp, limit: i64) -> StoreResult<usize>;
}
