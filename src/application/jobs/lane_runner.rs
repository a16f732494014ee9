use std::sync::Arc;

use tokio::sync::Semaphore;

use super::{Jobs, Lane};
use crate::application::causes::Causes;
use crate::application::error::Result;

/// Does the jobs of one lane, as many at a time as the lane has workers.
#[derive(Clone)]
pub struct LaneRunner {
    jobs: Arc<Jobs>,
    lane: Lane,
    workers: Arc<Semaphore>,
}

impl LaneRunner {
    /// With all workers free.
    #[must_use]
    pub fn new(jobs: Arc<Jobs>, lane: Lane) -> Self {
        Self { jobs, lane, workers: Arc::new(Semaphore::new(lane.workers())) }
    }

    /// Begins what is due, each job in a task of its own, until nothing is; waits for a worker before each. A claim costs
    /// nothing but a query while nothing is due, so one look serves all workers.
    pub async fn start_due(&self) -> Result<()> {
        // Nobody closes the semaphore.
        while let Ok(worker) = self.workers.clone().acquire_owned().await {
            let Some(claimed) = self.jobs.claim(self.lane).await? else { break };
            let jobs = self.jobs.clone();
            tokio::spawn(async move {
                if let Err(error) = jobs.run(claimed).await {
                    tracing::warn!(error = %Causes(&error), "what became of a job could not be written down");
                }
                drop(worker);
            });
        }
        Ok(())
    }
}
