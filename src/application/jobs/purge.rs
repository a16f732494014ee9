use std::sync::Arc;

use async_trait::async_trait;
use time::Duration;

use super::{Assignment, Handler, JobFailed, JobKind};
use crate::application::Ports;
use crate::application::audit_trail::{AuditTrail, Event};
use crate::application::clock_watch::ClockWatch;
use crate::application::error::Result;
use crate::application::idempotency::KEEP_ANSWERS;
use crate::application::ports::{Clock, Store};
use crate::domain::audit::AuditType;

/// How many rows one transaction erases, so that no writer waits long.
const BATCH: i64 = 500;
/// How long sessions that are over stay on record.
const KEEP_SESSIONS: Duration = Duration::days(7);
/// How long expired mailed tokens stay on record.
const KEEP_ACTION_TOKENS: Duration = Duration::days(1);
/// How long API keys that are revoked or expired stay on record.
const KEEP_API_KEYS: Duration = Duration::days(90);
/// How long counters stay; longer than any of them matters.
const KEEP_THROTTLES: Duration = Duration::days(2);

/// How long jobs that were given up stay on record.
const KEEP_DEAD_JOBS: Duration = Duration::days(30);

/// Erases what is over.
pub struct Purge {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    trail: AuditTrail,
    audit_retention: Duration,
    clock_watch: Arc<ClockWatch>,
}

impl Purge {
    /// Takes the ports it needs. `audit_retention` is how long the audit trail is kept, at least 30 days.
    #[must_use]
    pub fn new(ports: &Ports, audit_retention: Duration, clock_watch: Arc<ClockWatch>) -> Self {
        Self {
            store: ports.store.clone(),
            clock: ports.clock.clone(),
            trail: AuditTrail::new(ports.entropy.clone()),
            audit_retention,
            clock_watch,
        }
    }

    /// Erases a batch of each kind. How many rows; to be done again until there are none.
    pub async fn erase_batch(&self) -> Result<usize> {
        let now = self.clock.now();
        let tx = self.store.write().await?;
        let sessions = tx.sessions().purge_sessions(now - KEEP_SESSIONS, BATCH).await?;
        let tokens = tx.action_tokens().purge_action_tokens(now - KEEP_ACTION_TOKENS, BATCH).await?;
        let keys = tx.api_keys().purge_api_keys(now - KEEP_API_KEYS, BATCH).await?;
        let throttles = tx.throttles().purge_throttles(now - KEEP_THROTTLES, BATCH).await?;
        let enrolments = tx.factors().purge_enrolments(now, BATCH).await?;
        let challenges = tx.challenges().purge_challenges(now, BATCH).await?;
        let people = tx.users().purge_users(now, BATCH).await?;
        let answers = tx.answered_requests().purge_answers(now - KEEP_ANSWERS, BATCH).await?;
        let changes = tx.access_changes().purge_access_changes(now, BATCH).await?;
        let signing_keys = tx.signing_keys().purge_signing_keys(now).await?;
        let events = tx.audit_events().purge_audit_events(now - self.audit_retention, BATCH).await?;
        let jobs = tx.jobs().purge_dead_jobs(now - KEEP_DEAD_JOBS, BATCH).await?;
        for person in &people {
            self.trail.record(tx.as_ref(), Event::by_system(AuditType::UserPurged).on(person), now).await?;
        }
        tx.commit().await?;
        let credentials = sessions + tokens + keys + enrolments + challenges + signing_keys;
        let erased = credentials + throttles + people.len() + answers + changes + events + jobs;
        if erased == 0 {
            self.store.checkpoint().await?;
        }
        Ok(erased)
    }
}

#[async_trait]
impl Handler for Purge {
    fn kind(&self) -> JobKind {
        JobKind::Purge
    }

    async fn handle(&self, _: Assignment<'_>) -> std::result::Result<(), JobFailed> {
        self.clock_watch.shorten().await?;
        while self.erase_batch().await? > 0 {}
        Ok(())
    }
}
