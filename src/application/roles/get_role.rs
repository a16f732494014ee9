use super::Roles;
use crate::application::error::{Refusal, Result, Violations};
use crate::domain::access::role::Role;
use crate::domain::id::RoleId;

impl Roles {
    /// Tells a role.
    pub async fn get_role(&self, id: &str) -> Result<Role> {
        let mut violations = Violations::default();
        let id = violations.take("id", RoleId::parse(id));
        let id = violations.check(id)?;
        let role = self.store.read().await?.roles().find_role(id).await?;
        role.ok_or_else(|| not_found(id).into())
    }
}

/// That there is no such role.
pub(super) fn not_found(id: RoleId) -> Refusal {
    Refusal::NotFound { resource: "Role", name: id.to_string() }
}
