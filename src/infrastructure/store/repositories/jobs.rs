use std::collections::BTreeMap;

use async_trait::async_trait;
use diesel::dsl::{count_star, min};
use diesel::prelude::*;

use super::backend::columns::{DbId, DbTime};
use super::backend::schema::jobs;
use super::backend::{Unit, dialect};
use crate::application::ports::{Job, JobClaim, JobCounts, JobPayload, Jobs, Lease, ListedJob, StoreResult};
use crate::domain::Timestamp;
use crate::domain::id::{JobId, UserId};

diesel::alias!(jobs as dead_jobs: DeadJobs);

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = jobs)]
struct JobRow {
    id: DbId,
    kind: String,
    lane: String,
    unique_key: Option<String>,
    payload: Vec<u8>,
    sealed: bool,
    user_id: Option<DbId>,
    create_time: DbTime,
    run_time: DbTime,
    give_up_time: Option<DbTime>,
    attempts: i32,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = jobs)]
struct ListedRow {
    id: DbId,
    kind: String,
    lane: String,
    create_time: DbTime,
    run_time: DbTime,
    attempts: i32,
    lease: Option<DbId>,
    last_error: Option<String>,
    dead_time: Option<DbTime>,
}

/// A job as long as a lease holds it.
macro_rules! held {
    ($claim:expr) => {
        jobs::table.find(DbId(*$claim.id.as_uuid())).filter(jobs::lease.eq(DbId(*$claim.lease.as_uuid())))
    };
}

/// What makes a job nobody's.
const UNCLAIMED: Option<DbId> = None;

#[async_trait]
impl Jobs for Unit {
    async fn enqueue_job(&self, job: &Job) -> StoreResult<bool> {
        let insert = diesel::insert_into(jobs::table).values(JobRow::from(job));
        Ok(self.execute(insert.on_conflict(jobs::unique_key).do_nothing()).await? == 1)
    }

    async fn cancel_job(&self, unique_key: &str) -> StoreResult<bool> {
        let unclaimed = jobs::table.filter(jobs::unique_key.eq(unique_key)).filter(jobs::lease.is_null());
        Ok(self.execute(diesel::delete(unclaimed)).await? == 1)
    }

    async fn next_run_time(&self, lane: &str) -> StoreResult<Option<Timestamp>> {
        let waiting = jobs::table.filter(jobs::lane.eq(lane)).filter(jobs::dead_time.is_null());
        let found: Option<Option<DbTime>> = self.find(waiting.select(min(jobs::run_time))).await?;
        Ok(found.flatten().map(|time| time.0))
    }

    /// The rows are locked before they are changed, not in a subquery of the change: PostgreSQL may run that more than
    /// once and would then lock more than the limit.
    async fn claim_jobs(&self, lane: &str, lease: &Lease, limit: i64) -> StoreResult<Vec<Job>> {
        let due = jobs::table
            .filter(jobs::lane.eq(lane))
            .filter(jobs::dead_time.is_null())
            .filter(jobs::run_time.le(DbTime(lease.begin)))
            .order((jobs::run_time, jobs::id))
            .select(jobs::id)
            .limit(limit);
        let due: Vec<DbId> = self.load(dialect::claiming!(due)).await?;
        let claim = diesel::update(jobs::table.filter(jobs::id.eq_any(&due))).set((
            jobs::attempts.eq(jobs::attempts + 1),
            jobs::run_time.eq(DbTime(lease.end)),
            jobs::lease.eq(DbId(*lease.id.as_uuid())),
        ));
        let mut rows: Vec<JobRow> = self.load_returned(claim.returning(JobRow::as_returning())).await?;
        rows.sort_by_key(|row| due.iter().position(|id| id.0 == row.id.0));
        Ok(rows.into_iter().map(Job::from).collect())
    }

    async fn finish_job(&self, claim: JobClaim) -> StoreResult<bool> {
        Ok(self.execute(diesel::delete(held!(claim))).await? == 1)
    }

    async fn reschedule_job(&self, claim: JobClaim, run_time: Timestamp) -> StoreResult<bool> {
        let next = (
            jobs::run_time.eq(DbTime(run_time)),
            jobs::attempts.eq(0),
            jobs::lease.eq(UNCLAIMED),
            jobs::last_error.eq(None::<String>),
        );
        Ok(self.execute(diesel::update(held!(claim)).set(next)).await? == 1)
    }

    async fn retry_job_later(&self, claim: JobClaim, run_time: Timestamp, error: &str) -> StoreResult<bool> {
        let next = (jobs::run_time.eq(DbTime(run_time)), jobs::lease.eq(UNCLAIMED), jobs::last_error.eq(error));
        Ok(self.execute(diesel::update(held!(claim)).set(next)).await? == 1)
    }

    async fn bury_job(&self, claim: JobClaim, now: Timestamp, error: &str) -> StoreResult<bool> {
        let end = (jobs::dead_time.eq(DbTime(now)), jobs::lease.eq(UNCLAIMED), jobs::last_error.eq(error));
        Ok(self.execute(diesel::update(held!(claim)).set(end)).await? == 1)
    }

    async fn revive_job(&self, id: JobId, now: Timestamp, give_up_time: Timestamp) -> StoreResult<bool> {
        let dead = jobs::table.find(DbId(*id.as_uuid())).filter(jobs::dead_time.is_not_null());
        let beginning = (
            jobs::dead_time.eq(None::<DbTime>),
            jobs::run_time.eq(DbTime(now)),
            jobs::give_up_time.eq(DbTime(give_up_time)),
            jobs::attempts.eq(0),
        );
        Ok(self.execute(diesel::update(dead).set(beginning)).await? == 1)
    }

    async fn list_jobs(&self, after: JobId, dead_only: bool, limit: i64) -> StoreResult<Vec<ListedJob>> {
        let mut later = jobs::table.filter(jobs::id.gt(DbId(*after.as_uuid()))).into_boxed();
        if dead_only {
            later = later.filter(jobs::dead_time.is_not_null());
        }
        let rows = self.load(later.order(jobs::id).limit(limit).select(ListedRow::as_select())).await?;
        Ok(rows.into_iter().map(ListedJob::from).collect())
    }

    async fn count_jobs(&self, now: Timestamp) -> StoreResult<Vec<JobCounts>> {
        let waiting = jobs::table.filter(jobs::dead_time.is_null()).group_by(jobs::kind);
        let waiting = waiting.select((jobs::kind, count_star(), min(jobs::run_time)));
        let waiting: Vec<(String, i64, Option<DbTime>)> = self.load(waiting).await?;
        let due = jobs::table.filter(jobs::dead_time.is_null()).filter(jobs::run_time.le(DbTime(now)));
        let due: Vec<(String, i64)> = self.load(due.group_by(jobs::kind).select((jobs::kind, count_star()))).await?;
        let dead = jobs::table.filter(jobs::dead_time.is_not_null()).group_by(jobs::kind);
        let dead: Vec<(String, i64)> = self.load(dead.select((jobs::kind, count_star()))).await?;

        let none = |kind: String| JobCounts { kind, waiting: 0, due: 0, first_run_time: None, dead: 0 };
        let mut counts = BTreeMap::new();
        for (kind, count, first) in waiting {
            let of_kind = counts.entry(kind.clone()).or_insert_with(|| none(kind));
            (of_kind.waiting, of_kind.first_run_time) = (count, first.map(|time| time.0));
        }
        for (kind, count) in due {
            counts.entry(kind.clone()).or_insert_with(|| none(kind)).due = count;
        }
        for (kind, count) in dead {
            counts.entry(kind.clone()).or_insert_with(|| none(kind)).dead = count;
        }
        Ok(counts.into_values().collect())
    }

    async fn purge_dead_jobs(&self, before: Timestamp, limit: i64) -> StoreResult<usize> {
        let ids = dead_jobs
            .filter(dead_jobs.field(jobs::dead_time).lt(DbTime(before)))
            .select(dead_jobs.field(jobs::id))
            .order(dead_jobs.field(jobs::dead_time))
            .limit(limit);
        self.execute(diesel::delete(jobs::table.filter(jobs::id.eq_any(ids)))).await
    }
}

impl From<&Job> for JobRow {
    fn from(job: &Job) -> Self {
        let (payload, sealed) = match &job.payload {
            JobPayload::Plain(bytes) => (bytes, false),
            JobPayload::Sealed(bytes) => (bytes, true),
        };
        Self {
            id: DbId(*job.id.as_uuid()),
            kind: job.kind.clone(),
            lane: job.lane.clone(),
            unique_key: job.unique_key.clone(),
            payload: payload.clone(),
            sealed,
            user_id: job.user_id.map(|id| DbId(*id.as_uuid())),
            create_time: DbTime(job.create_time),
            run_time: DbTime(job.run_time),
            give_up_time: job.give_up_time.map(DbTime),
            attempts: job.attempts,
        }
    }
}

impl From<JobRow> for Job {
    fn from(row: JobRow) -> Self {
        Self {
            id: JobId::from_uuid(row.id.0),
            kind: row.kind,
            lane: row.lane,
            unique_key: row.unique_key,
            payload: if row.sealed { JobPayload::Sealed(row.payload) } else { JobPayload::Plain(row.payload) },
            user_id: row.user_id.map(|id| UserId::from_uuid(id.0)),
            create_time: row.create_time.0,
            run_time: row.run_time.0,
            give_up_time: row.give_up_time.map(|time| time.0),
            attempts: row.attempts,
        }
    }
}

impl From<ListedRow> for ListedJob {
    fn from(row: ListedRow) -> Self {
        Self {
            id: JobId::from_uuid(row.id.0),
            kind: row.kind,
            lane: row.lane,
            create_time: row.create_time.0,
            run_time: row.run_time.0,
            attempts: row.attempts,
            is_claimed: row.lease.is_some(),
            last_error: row.last_error,
            dead_time: row.dead_time.map(|time| time.0),
        }
    }
}
