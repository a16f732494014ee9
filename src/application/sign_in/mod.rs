//! Signing in: an attempt collects proofs, and what is proven enough begins a session.

mod attempt;
mod log_in;
mod sign_in_candidate;

use std::sync::Arc;

pub(super) use attempt::ProvenSignIn;
pub use log_in::LogIn;

use super::Ports;
use super::audit_trail::AuditTrail;
use super::idempotency::Idempotency;
use super::jobs::MailPost;
use super::keys::DerivedKeys;
use super::policy::Policy;
use super::ports::{PasswordHasher, Store};
use super::sessions::Sessions;
use crate::domain::secret::SecretKey;

/// The use cases of signing in.
pub struct SignIn {
    store: Arc<dyn Store>,
    hasher: Arc<dyn PasswordHasher>,
    sessions: Arc<Sessions>,
    post: MailPost,
    idempotency: Idempotency,
    trail: AuditTrail,
    throttle_key: SecretKey,
    policy: Arc<Policy>,
}

impl SignIn {
    /// Takes the ports it needs, and the façade that begins sessions.
    #[must_use]
    pub fn new(ports: &Ports, sessions: Arc<Sessions>, policy: Arc<Policy>, derived: &DerivedKeys) -> Self {
        Self {
            store: ports.store.clone(),
            hasher: ports.hasher.clone(),
            sessions,
            post: MailPost::new(ports, &policy, derived),
            idempotency: Idempotency::new(ports, derived),
            trail: AuditTrail::new(ports.entropy.clone()),
            throttle_key: derived.throttles.clone(),
            policy,
        }
    }
}
