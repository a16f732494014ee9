use std::time::Duration as StdDuration;

use time::Duration;
use tokio::time::timeout;
use tracing::Instrument as _;
use tracing::field::Empty;
use zeroize::Zeroizing;

use super::kind::LEASE;
use super::{Assignment, Handler, JobFailed, JobKind, JobOutcome, Jobs, Lane};
use crate::application::causes::Causes;
use crate::application::error::{Error, Result};
use crate::application::ports::{Job, JobClaim, JobPayload, Lease, SealedPlace};
use crate::domain::Timestamp;
use crate::domain::id::LeaseId;

/// How long a job waits for a version that knows its kind: in the middle of a deployment, it is not long in coming.
const UNKNOWN_KIND_PAUSE: Duration = Duration::minutes(1);
/// How many characters of an error's text are stored.
const MAX_ERROR_CHARS: usize = 200;

/// A job that this process has for itself for a while.
#[derive(Debug)]
pub struct ClaimedJob {
    job: Job,
    lease: LeaseId,
}

/// What to do with a job after an attempt.
enum Decision {
    Finish,
    Reschedule(Timestamp),
    Retry(Timestamp, String),
    Bury(String),
}

impl Jobs {
    /// Does the job of a lane that is due for longest. Whether there was one.
    pub async fn run_next(&self, lane: Lane) -> Result<bool> {
        let Some(claimed) = self.claim(lane).await? else { return Ok(false) };
        self.run(claimed).await?;
        Ok(true)
    }

    /// Takes the job of a lane that is due for longest, if one is. It has to be run at once.
    pub async fn claim(&self, lane: Lane) -> Result<Option<ClaimedJob>> {
        let now = self.clock.now();
        let due = self.store.read().await?.jobs().next_run_time(lane.as_str()).await?;
        if due.is_none_or(|due| due > now) {
            return Ok(None);
        }
        let lease = Lease { id: LeaseId::new(now, &self.entropy.bytes()?), begin: now, end: now + LEASE };
        let tx = self.store.write().await?;
        let mut claimed = tx.jobs().claim_jobs(lane.as_str(), &lease, 1).await?;
        tx.commit().await?;
        Ok(claimed.pop().map(|job| ClaimedJob { job, lease: lease.id }))
    }

    /// Does a job and writes down what became of it. If somebody else has claimed it meanwhile, that is theirs to do.
    pub async fn run(&self, claimed: ClaimedJob) -> Result<()> {
        let ClaimedJob { job, lease } = claimed;
        let kind = JobKind::parse(&job.kind);
        let outcome = match self.handlers.iter().find(|handler| Some(handler.kind()) == kind) {
            Some(handler) => {
                let name = handler.kind().as_str();
                let span = tracing::trace_span!("job", otel.name = name, otel.trace_id = Empty, error.type = Empty);
                let outcome = self.attempt(handler.as_ref(), &job).instrument(span.clone()).await;
                outcome.inspect_err(|_| {
                    span.record("error.type", "failed");
                })
            }
            None => Err(JobFailed::ForNow("this version does not know the kind of job".into())),
        };
        let now = self.clock.now();
        let decision = decide(&job, kind, outcome, now);
        let outcome = decision.outcome();
        if !self.settle(JobClaim { id: job.id, lease }, decision, now).await? {
            tracing::warn!(job_id = %job.id, kind = job.kind, "a job was claimed again before its worker was done");
        } else if let Some(kind) = kind {
            self.tally.count(kind, outcome);
        }
        Ok(())
    }

    async fn attempt(&self, handler: &dyn Handler, job: &Job) -> std::result::Result<(), JobFailed> {
        let payload = match &job.payload {
            JobPayload::Plain(bytes) => Zeroizing::new(bytes.clone()),
            // Tried again if it does not open: a master key may be missing here for now.
            JobPayload::Sealed(sealed) => self.sealer.open(&SealedPlace::Job(job.id), sealed).map_err(Error::from)?,
        };
        within(handler.kind().time_limit(), handler.handle(Assignment { id: job.id, payload: &payload })).await
    }

    /// Writes down what becomes of a job. Whether it was still under the lease.
    async fn settle(&self, claim: JobClaim, decision: Decision, now: Timestamp) -> Result<bool> {
        let tx = self.store.write().await?;
        let is_held = match decision {
            Decision::Finish => tx.jobs().finish_job(claim).await?,
            Decision::Reschedule(time) => tx.jobs().reschedule_job(claim, time).await?,
            Decision::Retry(time, error) => tx.jobs().retry_job_later(claim, time, &error).await?,
            Decision::Bury(error) => tx.jobs().bury_job(claim, now, &error).await?,
        };
        tx.commit().await?;
        Ok(is_held)
    }
}

impl Decision {
    const fn outcome(&self) -> JobOutcome {
        match self {
            Self::Finish | Self::Reschedule(_) => JobOutcome::Done,
            Self::Retry(..) => JobOutcome::Retried,
            Self::Bury(_) => JobOutcome::GivenUp,
        }
    }
}

/// Breaks an attempt off that takes too long: whatever it waits for must not hold a place in the lane for ever.
async fn within(
    limit: StdDuration,
    attempt: impl Future<Output = std::result::Result<(), JobFailed>>,
) -> std::result::Result<(), JobFailed> {
    let too_long = |_| JobFailed::ForNow(format!("it took longer than {} s", limit.as_secs()).into());
    timeout(limit, attempt).await.map_err(too_long)?
}

/// What becomes of a job after an attempt, which is told to the log.
fn decide(job: &Job, kind: Option<JobKind>, outcome: std::result::Result<(), JobFailed>, now: Timestamp) -> Decision {
    let Job { id, attempts, .. } = job;
    let (cause, is_last) = match outcome {
        Ok(()) => {
            let period = kind.and_then(JobKind::period);
            return period.map_or(Decision::Finish, |period| Decision::Reschedule(now + period));
        }
        Err(JobFailed::ForNow(cause)) => (cause, job.give_up_time.is_some_and(|time| now >= time)),
        Err(JobFailed::ForGood(cause)) => (cause, job.give_up_time.is_some()),
    };
    let cause = Causes(cause.as_ref()).to_string();
    let text = cause.replace(char::is_control, " ").chars().take(MAX_ERROR_CHARS).collect();
    if is_last {
        tracing::error!(job_id = %id, kind = job.kind, attempts, cause, "a job was given up");
        return Decision::Bury(text);
    }
    tracing::warn!(job_id = %id, kind = job.kind, attempts, cause, "a job failed and will be tried again");
    Decision::Retry(now + kind.map_or(UNKNOWN_KIND_PAUSE, |kind| kind.pause(*attempts)), text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::JobId;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn job(kind: &str, give_up_time: Option<Timestamp>) -> Job {
        Job {
            id: JobId::NOBODY,
            kind: kind.to_owned(),
            lane: String::new(),
            unique_key: None,
            payload: JobPayload::Plain(Vec::new()),
            user_id: None,
            create_time: NOW,
            run_time: NOW,
            give_up_time,
            attempts: 2,
        }
    }

    fn after(job: &Job, outcome: std::result::Result<(), JobFailed>) -> Decision {
        decide(job, JobKind::parse(&job.kind), outcome, NOW)
    }

    #[test]
    fn what_is_done_once_is_finished_and_what_is_done_again_and_again_is_rescheduled() {
        assert!(matches!(after(&job("token_mail", Some(NOW)), Ok(())), Decision::Finish));
        let next = NOW + Duration::minutes(10);
        assert!(matches!(after(&job("purge", None), Ok(())), Decision::Reschedule(time) if time == next));
    }

    #[test]
    fn a_failure_is_the_last_one_when_it_is_for_good_or_comes_too_late() {
        let (for_now, for_good) = (|| Err(JobFailed::ForNow("a".into())), || Err(JobFailed::ForGood("a".into())));
        let (in_time, late) = (job("token_mail", Some(NOW + Duration::MICROSECOND)), job("token_mail", Some(NOW)));
        let pause = NOW + Duration::seconds(10);
        assert!(matches!(after(&in_time, for_now()), Decision::Retry(time, _) if time == pause));
        assert!(matches!(after(&in_time, for_good()), Decision::Bury(_)));
        assert!(matches!(after(&late, for_now()), Decision::Bury(_)));
        assert!(matches!(after(&job("purge", None), for_good()), Decision::Retry(time, _) if time == pause));
    }

    #[test]
    fn a_kind_that_is_not_known_waits_for_a_version_that_knows_it() {
        let later = NOW + UNKNOWN_KIND_PAUSE;
        let unknown = job("webhook", Some(NOW + Duration::HOUR));
        assert!(
            matches!(after(&unknown, Err(JobFailed::ForNow("a".into()))), Decision::Retry(time, _) if time == later)
        );
    }

    #[test]
    fn the_text_of_an_error_is_short_and_of_one_line() {
        let error = JobFailed::ForGood(format!("a\nb{}", ["ü"; 1000].concat()).into());
        let Decision::Bury(text) = after(&job("token_mail", Some(NOW)), Err(error)) else { panic!("not given up") };
        assert!(text.starts_with("a bü") && text.chars().count() == MAX_ERROR_CHARS);
    }

    #[tokio::test]
    async fn an_attempt_that_never_ends_is_broken_off() {
        let attempt = within(StdDuration::from_millis(10), std::future::pending());
        let Err(JobFailed::ForNow(cause)) = attempt.await else { panic!("not to be tried again") };
        assert_eq!(cause.to_string(), "it took longer than 0 s");
    }
}
