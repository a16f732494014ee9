//! The keys of the installation: the use cases of `KeyService`, what happens to keys at start and in the background, and
//! the changes of the root secret and of the master key.

mod change;
mod correct;
mod derived_keys;
mod list_signing_keys;
mod open;
mod reload;
mod revoke_signing_key;
mod rewrap;
mod root_secrets;
mod rotate_root_secret;
mod rotate_signing_key;
mod rotate_when_due;
mod rotated_key;

use std::sync::{Arc, RwLock};

use time::Duration;
use tokio::sync::Mutex;

pub use derived_keys::DerivedKeys;
pub use rewrap::Rewrapped;
pub use root_secrets::RootSecrets;
pub use rotated_key::RotatedKey;

use super::Ports;
use super::audit_trail::AuditTrail;
use super::idempotency::Idempotency;
use super::ports::{AccessTokens, Clock, KeyGenerator, Sealer, Store};
use crate::domain::token::signing_key::{SigningAlgorithm, SigningKey, SigningKeyState};

/// A signing key and the place of its life now.
pub type ListedKey = (SigningKey, SigningKeyState);

/// What an operator decides about signing keys.
#[derive(Debug, Clone, Copy)]
pub struct KeyPolicy {
    /// What new keys sign with, unless a rotation says otherwise. It rotates nothing by itself: replicas with two opinions,
    /// as in the middle of a deployment, would replace each other's keys.
    pub algorithm: SigningAlgorithm,
    /// How long a key signs before it is replaced; longer than the lead.
    pub lifetime: Duration,
}

/// The use cases of keys.
pub struct Keys {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    sealer: Arc<dyn Sealer>,
    tokens: Arc<dyn AccessTokens>,
    generator: Arc<dyn KeyGenerator>,
    policy: KeyPolicy,
    roots: RootSecrets,
    idempotency: Idempotency,
    trail: AuditTrail,
    /// The keys as they were last read. Verifiers are told of them even while the database is away.
    held: RwLock<Arc<[SigningKey]>>,
    /// Held from reading or changing the stored keys until they are in use, or an older reading could bring a revoked key
    /// back.
    in_order: Mutex<()>,
}

impl Keys {
    /// Takes the ports it needs. Before anything else, `open` has to be called.
    #[must_use]
    pub fn new(ports: &Ports, generator: Arc<dyn KeyGenerator>, policy: KeyPolicy, roots: RootSecrets) -> Self {
        Self {
            store: ports.store.clone(),
            clock: ports.clock.clone(),
            sealer: ports.sealer.clone(),
            tokens: ports.tokens.clone(),
            generator,
            policy,
            idempotency: Idempotency::new(ports, roots.keys()),
            roots,
            trail: AuditTrail::new(ports.entropy.clone()),
            held: RwLock::new(Arc::new([])),
            in_order: Mutex::new(()),
        }
    }
}
