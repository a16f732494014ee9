use std::sync::PoisonError;

use time::Duration;

use super::{JobKind, JobOutcome, Jobs};
use crate::application::error::Result;
use crate::application::ports::{Job, JobPayload};
use crate::domain::Timestamp;
use crate::domain::id::JobId;

/// How the jobs of a kind are doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobStatistics {
    /// The kind.
    pub kind: JobKind,
    /// Jobs that are not done.
    pub waiting: i64,
    /// Those of them whose time has come.
    pub due: i64,
    /// For how long the job that was due first has been due.
    pub overdue: Duration,
    /// Jobs that were given up.
    pub dead: i64,
}

impl Jobs {
    /// Counts the jobs, and writes those that are done again and again, where they are missing.
    pub async fn look_over(&self) -> Result<()> {
        let counts = self.store.read().await?.jobs().count_jobs(self.clock.now()).await?;
        let is_there = |kind: JobKind| counts.iter().any(|count| count.kind == kind.as_str() && count.waiting > 0);
        let missing = JobKind::ALL.into_iter().filter(|&kind| kind.period().is_some() && !is_there(kind));
        let missing: Vec<JobKind> = missing.collect();
        *self.counts.write().unwrap_or_else(PoisonError::into_inner) = counts;
        if missing.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let tx = self.store.write().await?;
        for kind in missing {
            tx.jobs().enqueue_job(&self.periodic(kind, now)?).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// How each kind of job was doing when the jobs were last counted.
    pub fn statistics(&self) -> Vec<JobStatistics> {
        let (now, counts) = (self.clock.now(), self.counts.read().unwrap_or_else(PoisonError::into_inner));
        let of_kind = |kind: JobKind| {
            let count = counts.iter().find(|count| count.kind == kind.as_str());
            JobStatistics {
                kind,
                waiting: count.map_or(0, |count| count.waiting),
                due: count.map_or(0, |count| count.due),
                overdue: count
                    .and_then(|count| count.first_run_time)
                    .map_or(Duration::ZERO, |time| (now - time).max(Duration::ZERO)),
                dead: count.map_or(0, |count| count.dead),
            }
        };
        JobKind::ALL.into_iter().map(of_kind).collect()
    }

    /// How many attempts of each kind ended in which way, since the process started.
    pub fn attempts(&self) -> impl Iterator<Item = (JobKind, JobOutcome, u64)> {
        let of_kind = |kind| JobOutcome::ALL.map(|outcome| (kind, outcome, self.tally.read(kind, outcome)));
        JobKind::ALL.into_iter().flat_map(of_kind)
    }

    /// The only job of its kind, due at once.
    fn periodic(&self, kind: JobKind, now: Timestamp) -> Result<Job> {
        Ok(Job {
            id: JobId::new(now, &self.entropy.bytes()?),
            kind: kind.as_str().to_owned(),
            lane: kind.lane().as_str().to_owned(),
            unique_key: Some(kind.as_str().to_owned()),
            payload: JobPayload::Plain(Vec::new()),
            user_id: None,
            create_time: now,
            run_time: now,
            give_up_time: kind.give_up_time(now),
            attempts: 0,
        })
    }
}
