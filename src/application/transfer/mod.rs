//! People on their way in and out, many at a time: the streams of `UserService`.

mod export_users;
mod import_users;
mod parse_row;

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use export_users::{Export, ExportUsers};
pub use import_users::{BatchReport, RowRefusal, WhyRefused};
pub use parse_row::{Batch, ImportRow, MAX_ROWS};

use super::Ports;
use super::audit_trail::AuditTrail;
use super::error::{Refusal, Result};
use super::policy::Policy;
use super::ports::{Clock, Entropy, PasswordHasher, Store};

/// How many streams there may be at a time, so that their pages and batches take a bounded amount of memory.
const MAX_STREAMS: usize = 8;

/// The use cases of imports and exports.
pub struct UserTransfer {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    hasher: Arc<dyn PasswordHasher>,
    trail: AuditTrail,
    policy: Arc<Policy>,
    room: Arc<Semaphore>,
}

impl UserTransfer {
    /// Takes the ports it needs.
    #[must_use]
    pub fn new(ports: &Ports, policy: Arc<Policy>) -> Self {
        Self {
            store: ports.store.clone(),
            clock: ports.clock.clone(),
            entropy: ports.entropy.clone(),
            hasher: ports.hasher.clone(),
            trail: AuditTrail::new(ports.entropy.clone()),
            policy,
            room: Arc::new(Semaphore::new(MAX_STREAMS)),
        }
    }

    /// A place for a stream, which is free again when this is dropped.
    pub fn take_place(&self) -> Result<OwnedSemaphorePermit> {
        self.room.clone().try_acquire_owned().map_err(|_| Refusal::Overloaded.into())
    }
}
