//! Jobs: what a change causes and no caller waits for, and what is done again and again.
//!
//! A job is a row that is written in the transaction of the change that causes it. Each process looks for due jobs lane by
//! lane, claims them by lease, and has the [`Handler`] of their kind do them. What fails is tried again, after longer and
//! longer pauses; what keeps failing stays as a dead letter for operators ([`Jobs::list_jobs`], [`Jobs::retry_job`]).
//!
//! A new kind of job is a variant of [`JobKind`], a handler that `composition/jobs.rs` adds, and, if it carries something, a
//! form in `payload.rs`.

mod deliver_mail;
mod handler;
mod kind;
mod lane_runner;
mod mail_post;
mod operate;
mod payload;
mod payload_parts;
mod purge;
mod rotate_keys;
mod run;
mod statistics;
mod tally;

use std::sync::{Arc, RwLock};

pub use deliver_mail::DeliverMail;
pub use handler::{Assignment, Handler, JobFailed};
pub use kind::{JobKind, Lane};
pub use lane_runner::LaneRunner;
pub(super) use mail_post::{MailPost, NewActionToken, Recipient, TokenRecipient, explanation};
pub use purge::Purge;
pub use rotate_keys::RotateKeys;
pub use run::ClaimedJob;
pub use statistics::JobStatistics;
pub use tally::JobOutcome;

use super::Ports;
use super::ports::{Clock, Entropy, JobCounts, Sealer, Store};
use tally::Tally;

/// The jobs of all replicas, as one process sees and does them.
pub struct Jobs {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    sealer: Arc<dyn Sealer>,
    handlers: Vec<Arc<dyn Handler>>,
    tally: Tally,
    /// What waits, as it was last counted.
    counts: RwLock<Vec<JobCounts>>,
}

impl Jobs {
    /// Takes the ports it needs, and a handler of each kind.
    #[must_use]
    pub fn new(ports: &Ports, handlers: Vec<Arc<dyn Handler>>) -> Self {
        Self {
            store: ports.store.clone(),
            clock: ports.clock.clone(),
            entropy: ports.entropy.clone(),
            sealer: ports.sealer.clone(),
            handlers,
            tally: Tally::default(),
            counts: RwLock::default(),
        }
    }
}
