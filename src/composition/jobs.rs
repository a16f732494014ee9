//! Who does which jobs, and what the command line of the server does with those that were given up.

use std::sync::Arc;

use super::{App, StartError};
use crate::application::Ports;
use crate::application::jobs::{DeliverMail, Handler, JobKind, Jobs};
use crate::application::ports::{ListedJob, Mailer};
use crate::config::Settings;
use crate::domain::id::JobId;

/// The jobs, with a handler of each kind: those that deliver mail, and the others.
pub(super) fn jobs(ports: &Ports, mailer: &Arc<dyn Mailer>, others: Vec<Arc<dyn Handler>>) -> Jobs {
    let deliver = |kind| Arc::new(DeliverMail::new(kind, ports.clock.clone(), mailer.clone()));
    let mut handlers: Vec<Arc<dyn Handler>> = vec![deliver(JobKind::TokenMail), deliver(JobKind::NoticeMail)];
    handlers.extend(others);
    Jobs::new(ports, handlers)
}

/// Up to `limit` jobs, oldest first; all of them, or those that were given up.
pub async fn list(settings: &Settings, dead_only: bool, limit: i64) -> Result<Vec<ListedJob>, StartError> {
    App::for_command(settings).await?.jobs.list_jobs(dead_only, limit).await.map_err(StartError::prepare)
}

/// Has a job tried again that was given up. Whether there was one.
pub async fn retry(settings: &Settings, id: JobId) -> Result<bool, StartError> {
    App::for_command(settings).await?.jobs.retry_job(id).await.map_err(StartError::prepare)
}

/// Has all jobs tried again that were given up. How many there were.
pub async fn retry_all(settings: &Settings) -> Result<usize, StartError> {
    App::for_command(settings).await?.jobs.retry_all_jobs().await.map_err(StartError::prepare)
}
