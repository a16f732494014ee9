use super::Roles;
use crate::application::access::source::Source;
use crate::application::call::Call;
use crate::application::error::{Refusal, Violations};
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::domain::access::role::{MAX_ROLES, Role, parse_permissions};
use crate::domain::audit::AuditType;
use crate::domain::id::RoleId;
use crate::domain::name::{Description, Name};

/// A new role.
#[derive(Debug, Clone, Default)]
pub struct CreateRole {
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it grants.
    pub permissions: Vec<String>,
    /// Whether who has it must have a second factor.
    pub mfa_required: bool,
}

impl Roles {
    /// Makes a role of permissions that the caller has.
    pub async fn create_role(
        &self,
        call: &Call,
        command: CreateRole,
        request: &IdempotentCall<Role>,
    ) -> Idempotent<Role> {
        let mut violations = Violations::default();
        let name = violations.take("name", Name::parse(&command.name));
        let description = violations.take("description", Description::parse(&command.description));
        let permissions = violations.take("permissions", parse_permissions(&command.permissions));
        let (name, description, permissions) =
            violations.check(name.zip(description).zip(permissions).map(|((a, b), c)| (a, b, c)))?;
        let id = RoleId::new(call.now, &self.entropy.bytes()?);
        let role =
            Role { description, mfa_required: command.mfa_required, ..Role::new(id, name, permissions, call.now) };

        let open = self.idempotency.open(call, request).await?;
        let tx = open.tx.as_ref();
        Source::Transaction(tx).require_all(call.caller()?, &role.permissions).await?;
        if tx.roles().list_roles(None, MAX_ROLES.into()).await?.len() >= MAX_ROLES as usize {
            return Err(Refusal::QuotaExceeded { what: "roles", limit: MAX_ROLES }.into());
        }
        if !tx.roles().insert_role(&role).await? {
            return Err(Refusal::NameTaken.into());
        }
        let event = call.event(AuditType::RoleCreated).on(role.id).with("permissions", &role.permissions);
        let event = event.with("mfa_required", role.mfa_required);
        self.trail.record(tx, event, call.now).await?;
        open.finish(role).await
    }
}
