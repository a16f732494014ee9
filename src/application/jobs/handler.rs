use async_trait::async_trait;

use super::JobKind;
use crate::application::error::Error;
use crate::application::ports::Cause;
use crate::domain::id::JobId;

/// A job as its handler gets it.
#[derive(Clone, Copy)]
pub struct Assignment<'a> {
    /// Names the job; the same at every attempt.
    pub(super) id: JobId,
    /// What it carries, opened.
    pub(super) payload: &'a [u8],
}

impl Assignment<'_> {
    /// What the job carries.
    pub(in crate::application) const fn payload(&self) -> &[u8] {
        self.payload
    }
}

/// Why an attempt failed. The text of the cause is stored and shown to operators: it holds neither personal data nor
/// secrets.
#[derive(Debug, thiserror::Error)]
pub enum JobFailed {
    /// Try again later.
    #[error("the job failed this time")]
    ForNow(#[source] Cause),
    /// Never try again by itself.
    #[error("the job failed for good")]
    ForGood(#[source] Cause),
}

/// Does the jobs of a kind. An attempt may be broken off at any await, when its time is over or the process ends, and the
/// same job may come again.
#[async_trait]
pub trait Handler: Send + Sync {
    /// Which jobs.
    fn kind(&self) -> JobKind;

    /// Does one.
    async fn handle(&self, job: Assignment<'_>) -> Result<(), JobFailed>;
}

impl From<Error> for JobFailed {
    fn from(error: Error) -> Self {
        Self::ForNow(Box::new(error))
    }
}
