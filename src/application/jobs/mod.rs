//! Work that no caller waits for: sending mail, erasing what is over.

mod deliver_mail;
mod mail_tally;
mod purge;

use std::sync::Arc;

pub use mail_tally::MailTally;
use time::Duration;

use super::Ports;
use super::audit_trail::AuditTrail;
use super::ports::{Clock, Mailer, Sealer, Store};

/// The work in the background. Every replica does it; the store sees to it that nothing is done twice at a time.
pub struct Upkeep {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    sealer: Arc<dyn Sealer>,
    mailer: Arc<dyn Mailer>,
    trail: AuditTrail,
    audit_retention: Duration,
    mails: MailTally,
}

impl Upkeep {
    /// Takes the ports it needs. `audit_retention` is how long the audit trail is kept, at least 30 days.
    #[must_use]
    pub fn new(ports: &Ports, mailer: Arc<dyn Mailer>, audit_retention: Duration) -> Self {
        Self {
            store: ports.store.clone(),
            clock: ports.clock.clone(),
            sealer: ports.sealer.clone(),
            mailer,
            trail: AuditTrail::new(ports.entropy.clone()),
            audit_retention,
            mails: MailTally::default(),
        }
    }

    /// What has become of mails in this process.
    pub fn mails(&self) -> &MailTally {
        &self.mails
    }
}
