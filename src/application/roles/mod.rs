//! Roles and who has them: the use cases of `RoleService`.

mod check_permission;
mod create_role;
mod delete_role;
mod get_role;
mod grant_role;
mod list_grants;
mod list_permissions;
mod list_roles;
mod revoke_role;
mod subject;
mod update_role;

use std::sync::Arc;

pub use check_permission::{CheckPermission, CheckedSubject};
pub use create_role::CreateRole;
pub use delete_role::DeleteRole;
pub use grant_role::GrantRole;
pub use list_grants::ListGrants;
pub use list_permissions::KnownPermission;
pub use subject::NamedSubject;
pub use update_role::UpdateRole;

use super::Ports;
use super::access::Authorizer;
use super::audit_trail::AuditTrail;
use super::idempotency::Idempotency;
use super::keys::DerivedKeys;
use super::page::PageTokens;
use super::policy::Policy;
use super::ports::{Entropy, Store};
use crate::domain::access::permission::Catalogue;

/// The use cases of roles.
pub struct Roles {
    store: Arc<dyn Store>,
    entropy: Arc<dyn Entropy>,
    authorizer: Arc<Authorizer>,
    page_tokens: PageTokens,
    idempotency: Idempotency,
    trail: AuditTrail,
    catalogue: Arc<Catalogue>,
    policy: Arc<Policy>,
}

impl Roles {
    /// Takes the ports it needs, and what knows whose an access token is.
    #[must_use]
    pub fn new(
        (ports, authorizer): (&Ports, Arc<Authorizer>),
        policy: Arc<Policy>,
        catalogue: Arc<Catalogue>,
        derived: &DerivedKeys,
    ) -> Self {
        Self {
            store: ports.store.clone(),
            entropy: ports.entropy.clone(),
            authorizer,
            page_tokens: PageTokens::new(derived.page_tokens.clone()),
            idempotency: Idempotency::new(ports, derived),
            trail: AuditTrail::new(ports.entropy.clone()),
            catalogue,
            policy,
        }
    }
}
