//! What other services ask about access tokens: the use cases of `TokenService`.

mod introspect_token;
mod revoke_token;
mod watch_revocations;

use std::sync::Arc;

pub use introspect_token::{ActiveToken, IntrospectToken};
pub use watch_revocations::{RevocationNews, RevocationWatch, resume_token};

use super::Ports;
use super::access::Authorizer;
use super::access::feed::AccessFeed;
use super::audit_trail::AuditTrail;
use super::idempotency::Idempotency;
use super::keys::DerivedKeys;
use super::ports::{AccessTokens, Clock, Store};
use super::sessions::Sessions;

/// The use cases of access tokens.
pub struct Tokens {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    verifier: Arc<dyn AccessTokens>,
    feed: Arc<AccessFeed>,
    authorizer: Arc<Authorizer>,
    sessions: Arc<Sessions>,
    idempotency: Idempotency,
    trail: AuditTrail,
}

impl Tokens {
    /// Takes the ports it needs, the feed of changes, and the façade that knows refresh tokens.
    #[must_use]
    pub fn new(ports: &Ports, feed: Arc<AccessFeed>, sessions: Arc<Sessions>, derived: &DerivedKeys) -> Self {
        Self {
            store: ports.store.clone(),
            clock: ports.clock.clone(),
            verifier: ports.tokens.clone(),
            feed,
            authorizer: sessions.authorizer.clone(),
            sessions,
            idempotency: Idempotency::new(ports, derived),
            trail: AuditTrail::new(ports.entropy.clone()),
        }
    }
}
