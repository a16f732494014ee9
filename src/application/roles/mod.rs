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
pub use list_grants::{GrantPage, ListGrants};
pub use list_permissions::{KnownPermission, PermissionPage};
pub use list_roles::RolePage;
pub use subject::NamedSubject;
pub use update_role::UpdateRole;

use super::Ports;
use super::access::authorizer::Authorizer;
use super::audit_trail::AuditTrail;
use super::auth::Auth;
use super::idempotency::Idempotency;
use super::keys::DerivedKeys;
use super::page::PageTokens;
use super::ports::{Clock, Entropy, Store};
use crate::domain::access::permission::Catalogue;

/// The use cases of roles.
pub struct Roles {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    auth: Arc<Auth>,
    admission: Arc<Authorizer>,
    page_tokens: PageTokens,
    repeats: Idempotency,
    trail: AuditTrail,
    catalogue: Arc<Catalogue>,
}

impl Roles {
    /// Takes the ports it needs, and the façade that knows whose an access token is.
    #[must_use]
    pub fn new(ports: &Ports, auth: Arc<Auth>, catalogue: Arc<Catalogue>, derived: &DerivedKeys) -> Self {
        Self {
            store: ports.store.clone(),
            clock: ports.clock.clone(),
            entropy: ports.entropy.clone(),
            admission: auth.admission(),
            auth,
            page_tokens: PageTokens::new(derived.page_tokens.clone()),
            repeats: Idempotency::new(ports, derived),
            trail: AuditTrail::new(ports.entropy.clone()),
            catalogue,
        }
    }
}
