use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Audit;
use crate::application::access::source::Source;
use crate::application::call::Call;
use crate::application::error::{Error, Result, Violation};
use crate::application::ports::{Clock, Position, Store};
use crate::domain::audit::AuditEvent;

/// How many events a watcher holds at a time.
const BATCH: i64 = 100;
/// How often the trail is looked at for new events. Every replica sees those of all others, as all ask the database.
const POLL: Duration = Duration::from_millis(250);
/// How long a watcher may continue until its rights are looked at again.
const RECHECK: Duration = Duration::from_secs(1);

/// Somebody who follows the audit trail.
pub struct AuditWatch {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    call: Arc<Call>,
    position: Position,
    checked: Instant,
}

impl Audit {
    /// Begins to follow the trail after the event of a number; zero for the beginning.
    pub fn watch_audit_events(&self, call: Arc<Call>, after_sequence: i64) -> Result<AuditWatch> {
        if after_sequence < 0 {
            return Err(Error::Invalid(vec![Violation::form("after_sequence", "must not be negative")]));
        }
        Ok(AuditWatch {
            store: self.store.clone(),
            clock: self.clock.clone(),
            call,
            position: Position::after(after_sequence),
            checked: Instant::now(),
        })
    }
}

impl AuditWatch {
    /// The next events in order, at least one, as soon as there are any. Fails once the caller may not read the trail any
    /// more. Nothing is read before it is asked for, so that a slow reader holds one batch and no more.
    pub async fn next(&mut self) -> Result<Vec<AuditEvent>> {
        loop {
            let tx = self.store.read().await?;
            if self.checked.elapsed() >= RECHECK {
                Source::Transaction(tx.as_ref()).require_still(&self.call, self.clock.now()).await?;
                self.checked = Instant::now();
            }
            let events = tx.audit_events().follow_audit_events(&mut self.position, BATCH).await?;
            drop(tx);
            if !events.is_empty() {
                return Ok(events);
            }
            sleep(POLL).await;
        }
    }
}
