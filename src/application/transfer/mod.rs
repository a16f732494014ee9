//! People on their way in and out, many at a time: the streams of `UserService`.

mod export_users;
mod import_users;
mod parse_row;

use std::sync::Arc;

pub use export_users::{Export, ExportUsers};
pub use import_users::{BatchReport, RowRefusal, WhyRefused};
pub use parse_row::{Batch, ImportRow, MAX_ROWS};

use super::Ports;
use super::audit_trail::AuditTrail;
use super::idempotency::Idempotency;
use super::keys::DerivedKeys;
use super::policy::Policy;
use super::ports::{Clock, Entropy, PasswordHasher, Store};

/// The use cases of imports and exports.
pub struct UserTransfer {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    hasher: Arc<dyn PasswordHasher>,
    idempotency: Idempotency,
    trail: AuditTrail,
    policy: Arc<Policy>,
}

impl UserTransfer {
    /// Takes the ports it needs.
    #[must_use]
    pub fn new(ports: &Ports, policy: Arc<Policy>, derived: &DerivedKeys) -> Self {
        Self {
            store: ports.store.clone(),
            clock: ports.clock.clone(),
            entropy: ports.entropy.clone(),
            hasher: ports.hasher.clone(),
            idempotency: Idempotency::new(ports, derived),
            trail: AuditTrail::new(ports.entropy.clone()),
            policy,
        }
    }
}
