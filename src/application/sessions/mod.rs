//! Sessions: the only place where they begin, and where they are refreshed, listed and ended.

mod begin;
mod end_unproven;
mod issued_tokens;
mod log_out;
mod notify_of_sign_in;
mod refresh;
pub(super) mod session_list;

use std::sync::Arc;

pub use issued_tokens::IssuedTokens;
pub use log_out::LogOut;
pub use refresh::Refresh;

use super::Ports;
use super::access::Authorizer;
use super::audit_trail::AuditTrail;
use super::idempotency::Idempotency;
use super::jobs::MailPost;
use super::keys::{DerivedKeys, RotatedKey};
use super::policy::Policy;
use super::ports::{AccessTokens, Entropy, Store};

/// The use cases of sessions.
pub struct Sessions {
    store: Arc<dyn Store>,
    entropy: Arc<dyn Entropy>,
    tokens: Arc<dyn AccessTokens>,
    pub(super) authorizer: Arc<Authorizer>,
    post: MailPost,
    idempotency: Idempotency,
    trail: AuditTrail,
    refresh_key: RotatedKey,
    policy: Arc<Policy>,
}

impl Sessions {
    /// Takes the ports it needs.
    #[must_use]
    pub fn new(ports: &Ports, authorizer: Arc<Authorizer>, policy: Arc<Policy>, derived: &DerivedKeys) -> Self {
        Self {
            store: ports.store.clone(),
            entropy: ports.entropy.clone(),
            tokens: ports.tokens.clone(),
            authorizer,
            post: MailPost::new(ports, &policy, derived),
            idempotency: Idempotency::new(ports, derived),
            trail: AuditTrail::new(ports.entropy.clone()),
            refresh_key: derived.refresh_tokens.clone(),
            policy,
        }
    }
}
