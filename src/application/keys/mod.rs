//! The keys of the installation: the use case of `KeyService`, and what happens to keys at start.

mod list_signing_keys;
mod open;

use std::sync::Arc;

use super::Ports;
use super::audit_trail::AuditTrail;
use super::ports::{AccessTokens, Clock, Entropy, KeyGenerator, Sealer, Store};
use crate::domain::signing_key::SigningAlgorithm;

/// The use cases of keys.
pub struct Keys {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    sealer: Arc<dyn Sealer>,
    tokens: Arc<dyn AccessTokens>,
    generator: Arc<dyn KeyGenerator>,
    algorithm: SigningAlgorithm,
    trail: AuditTrail,
}

impl Keys {
    /// Takes the ports it needs; `algorithm` is for new keys.
    #[must_use]
    pub fn new(ports: &Ports, generator: Arc<dyn KeyGenerator>, algorithm: SigningAlgorithm) -> Self {
        Self {
            store: ports.store.clone(),
            clock: ports.clock.clone(),
            entropy: ports.entropy.clone(),
            sealer: ports.sealer.clone(),
            tokens: ports.tokens.clone(),
            generator,
            algorithm,
            trail: AuditTrail::new(ports.entropy.clone()),
        }
    }
}
