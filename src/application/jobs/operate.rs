use super::Jobs;
use super::kind::GIVE_UP_AFTER;
use crate::application::error::Result;
use crate::application::ports::ListedJob;
use crate::domain::id::JobId;

/// How many jobs one transaction revives, so that no writer waits long.
const BATCH: i64 = 500;

impl Jobs {
    /// Up to `limit` jobs, those first that were written first; all of them, or those that were given up.
    pub async fn list_jobs(&self, dead_only: bool, limit: i64) -> Result<Vec<ListedJob>> {
        Ok(self.store.read().await?.jobs().list_jobs(JobId::NOBODY, dead_only, limit).await?)
    }

    /// Has a job tried again that was given up, for as long as a new one. Whether there was one.
    pub async fn retry_job(&self, id: JobId) -> Result<bool> {
        Ok(self.revive(&[id]).await? == 1)
    }

    /// Has all jobs tried again that were given up. How many there were.
    pub async fn retry_all_jobs(&self) -> Result<usize> {
        let (mut last, mut count) = (JobId::NOBODY, 0);
        loop {
            let dead = self.store.read().await?.jobs().list_jobs(last, true, BATCH).await?;
            let ids: Vec<JobId> = dead.iter().map(|job| job.id).collect();
            let Some(&id) = ids.last() else { return Ok(count) };
            last = id;
            count += self.revive(&ids).await?;
        }
    }

    async fn revive(&self, ids: &[JobId]) -> Result<usize> {
        let now = self.clock.now();
        let (tx, mut count) = (self.store.write().await?, 0);
        for &id in ids {
            count += usize::from(tx.jobs().revive_job(id, now, now + GIVE_UP_AFTER).await?);
        }
        tx.commit().await?;
        Ok(count)
    }
}
