//! The administration of people: the use cases of `UserService`.

mod activate_user;
mod batch_get_users;
mod create_user;
mod delete_user;
mod get_user;
mod list_user_sessions;
mod list_users;
mod lookup_user;
mod purge_user;
mod require_password_change;
mod revoke_user_sessions;
mod subject;
mod suspend_user;
mod undelete_user;
mod update_user;

use std::sync::Arc;

pub use batch_get_users::FoundUsers;
pub use create_user::CreateUser;
pub use list_users::ListUsers;
pub use lookup_user::Lookup;
pub use subject::{StateChange, UserVersion};
pub use update_user::UpdateUser;

use super::Ports;
use super::audit_trail::AuditTrail;
use super::idempotency::Idempotency;
use super::jobs::MailPost;
use super::keys::DerivedKeys;
use super::page::PageTokens;
use super::policy::Policy;
use super::ports::{Entropy, PasswordHasher, Store};

/// The use cases of administering people. Whoever may call which is decided before; here, nobody acts on an account that
/// may do more than they.
pub struct Users {
    store: Arc<dyn Store>,
    entropy: Arc<dyn Entropy>,
    hasher: Arc<dyn PasswordHasher>,
    idempotency: Idempotency,
    post: MailPost,
    trail: AuditTrail,
    page_tokens: PageTokens,
    policy: Arc<Policy>,
}

impl Users {
    /// Takes the ports it needs.
    #[must_use]
    pub fn new(ports: &Ports, policy: Arc<Policy>, derived: &DerivedKeys) -> Self {
        Self {
            store: ports.store.clone(),
            entropy: ports.entropy.clone(),
            hasher: ports.hasher.clone(),
            idempotency: Idempotency::new(ports, derived),
            post: MailPost::new(ports, &policy, derived),
            trail: AuditTrail::new(ports.entropy.clone()),
            page_tokens: PageTokens::new(derived.page_tokens.clone()),
            policy,
        }
    }
}
