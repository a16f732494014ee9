//! People on their way in and out, many at a time: the streams of `UserService`.

mod export_users;
mod factor_records;
mod import_users;
mod parse_factors;
mod parse_row;

use std::sync::Arc;

pub use export_users::{Export, ExportUsers, ExportedFactor, ExportedUser};
pub use import_users::{BatchReport, RowRefusal, WhyRefused};
pub use parse_factors::{ImportFactor, ImportMethod, ImportPasskey};
pub use parse_row::{Batch, ImportRow, MAX_ROWS};

use super::Ports;
use super::audit_trail::AuditTrail;
use super::idempotency::Idempotency;
use super::keys::DerivedKeys;
use super::policy::Policy;
use super::ports::{Clock, Entropy, OneTimeCodes, Passkeys, PasswordHasher, Sealer, Store};

/// The use cases of imports and exports.
pub struct UserTransfer {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    hasher: Arc<dyn PasswordHasher>,
    codes: Arc<dyn OneTimeCodes>,
    passkeys: Arc<dyn Passkeys>,
    sealer: Arc<dyn Sealer>,
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
            codes: ports.codes.clone(),
            passkeys: ports.passkeys.clone(),
            sealer: ports.sealer.clone(),
            idempotency: Idempotency::new(ports, derived),
            trail: AuditTrail::new(ports.entropy.clone()),
            policy,
        }
    }
}
