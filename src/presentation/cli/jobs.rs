//! `ipse jobs`: work for later, on the machine of the server.

use clap::{Args, Subcommand};
use time::format_description::well_known::Rfc3339;

use super::Origin;
use crate::application::ports::ListedJob;
use crate::domain::Timestamp;
use crate::domain::id::JobId;

/// How many jobs a list shows.
pub const MAX_LISTED_JOBS: i64 = 1000;

/// What `ipse jobs` does.
#[derive(Debug, Subcommand)]
pub enum JobsAction {
    /// List the jobs that wait, such as mail, and those that were given up
    List {
        /// Only those that were given up
        #[arg(long)]
        dead: bool,
        #[command(flatten)]
        #[expect(missing_docs, reason = "the doc comment would become the help of the whole command")]
        origin: Origin,
    },
    /// Try jobs again that were given up; mail whose token has expired meanwhile is not sent
    Retry {
        #[command(flatten)]
        #[expect(missing_docs, reason = "the doc comment would become the help of the whole command")]
        which: Which,
        #[command(flatten)]
        #[expect(missing_docs, reason = "the doc comment would become the help of the whole command")]
        origin: Origin,
    },
}

/// Which jobs to try again.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// The id of one of them, as `ipse jobs list --dead` shows it
    #[arg(value_parser = JobId::parse)]
    pub id: Option<JobId>,
    /// All of them
    #[arg(long)]
    pub all: bool,
}

/// There is no such job.
#[derive(Debug, thiserror::Error)]
#[error("no job that was given up has this id; `ipse jobs list --dead` shows those there are")]
pub struct NoDeadJob;

/// The jobs as a table with a header: up to [`MAX_LISTED_JOBS`], and a line if there are more.
#[must_use]
pub fn job_table(jobs: &[ListedJob]) -> Vec<String> {
    let header = ["ID", "KIND", "STATE", "ATTEMPTS", "CREATED", "NEXT ATTEMPT", "LAST ERROR"].map(str::to_owned);
    let shown = usize::try_from(MAX_LISTED_JOBS).unwrap_or(usize::MAX);
    let rows = jobs.iter().take(shown).map(|job| {
        let next = if job.dead_time.is_some() { "-".to_owned() } else { time(job.run_time) };
        let error = job.last_error.as_deref().unwrap_or("-").replace(char::is_control, " ");
        let (state, attempts) = (state(job).to_owned(), job.attempts.to_string());
        [job.id.to_string(), job.kind.clone(), state, attempts, time(job.create_time), next, error]
    });
    let row = |[id, kind, state, attempts, created, next, error]: [String; 7]| {
        format!("{id:36}  {kind:11}  {state:7}  {attempts:8}  {created:20}  {next:20}  {error}")
    };
    let more = (jobs.len() > shown).then(|| format!("there are more than {shown}"));
    [header].into_iter().chain(rows).map(row).chain(more).collect()
}

/// What to print about jobs that will be tried again.
#[must_use]
pub fn retried_jobs(count: usize) -> Vec<String> {
    vec![format!("{count} to be tried again; a running server does so within seconds")]
}

const fn state(job: &ListedJob) -> &'static str {
    match job {
        ListedJob { dead_time: Some(_), .. } => "dead",
        ListedJob { is_claimed: true, .. } => "running",
        _ => "waiting",
    }
}

/// In whole seconds, as tables are read by people.
fn time(time: Timestamp) -> String {
    time.truncate_to_second().format(&Rfc3339).unwrap_or_default()
}
