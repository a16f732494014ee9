use std::sync::atomic::{AtomicU64, Ordering};

use time::Duration;

use crate::domain::Timestamp;

/// What has become of mails since the process started.
#[derive(Debug, Default)]
pub struct MailTally {
    sent: AtomicU64,
    postponed: AtomicU64,
    given_up: AtomicU64,
    overdue_seconds: AtomicU64,
}

impl MailTally {
    /// Deliveries that the mail server took.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Deliveries that will be tried again.
    pub fn postponed(&self) -> u64 {
        self.postponed.load(Ordering::Relaxed)
    }

    /// Mails that will never be delivered.
    pub fn given_up(&self) -> u64 {
        self.given_up.load(Ordering::Relaxed)
    }

    /// For how many seconds the mail that was due first has waited, when this process last looked.
    pub fn overdue_seconds(&self) -> u64 {
        self.overdue_seconds.load(Ordering::Relaxed)
    }

    pub(super) fn count_sent(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_postponed(&self) {
        self.postponed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_given_up(&self) {
        self.given_up.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes when the first mail is due, if any waits.
    pub(super) fn note_due(&self, due: Option<Timestamp>, now: Timestamp) {
        let overdue = due.map_or(Duration::ZERO, |due| now - due);
        self.overdue_seconds.store(overdue.whole_seconds().try_into().unwrap_or(0), Ordering::Relaxed);
    }
}
