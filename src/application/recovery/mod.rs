//! Getting back into an account, or into one that an operator made.

mod request_password_reset;
mod reset_password;

use std::sync::Arc;

pub use reset_password::ResetPassword;

use super::Ports;
use super::audit_trail::AuditTrail;
use super::idempotency::Idempotency;
use super::jobs::MailPost;
use super::keys::DerivedKeys;
use super::mailed_tokens::MailedTokens;
use super::policy::Policy;
use super::ports::{PasswordHasher, Store};
use crate::domain::secret::SecretKey;

/// The use cases of recovery.
pub struct Recovery {
    store: Arc<dyn Store>,
    hasher: Arc<dyn PasswordHasher>,
    post: MailPost,
    mailed_tokens: MailedTokens,
    idempotency: Idempotency,
    trail: AuditTrail,
    throttle_key: SecretKey,
    policy: Arc<Policy>,
}

impl Recovery {
    /// Takes the ports it needs.
    #[must_use]
    pub fn new(ports: &Ports, policy: Arc<Policy>, derived: &DerivedKeys) -> Self {
        let throttle_key = derived.throttles.clone();
        Self {
            store: ports.store.clone(),
            hasher: ports.hasher.clone(),
            post: MailPost::new(ports, &policy, derived),
            mailed_tokens: MailedTokens::new(ports, &policy, derived),
            idempotency: Idempotency::new(ports, derived),
            trail: AuditTrail::new(ports.entropy.clone()),
            throttle_key,
            policy,
        }
    }
}
