use super::Roles;
use super::get_role::not_found;
use crate::application::access::source::Source;
use crate::application::call::Call;
use crate::application::error::{Error, Refusal, Result, Violations};
use crate::application::etag;
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::ports::StoreError;
use crate::domain::access::role::{Role, RoleChanges, parse_permissions};
use crate::domain::audit::AuditType;
use crate::domain::id::RoleId;
use crate::domain::name::{Description, Name};

/// What to change of a role; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct UpdateRole {
    /// Which role.
    pub id: String,
    /// What it is called.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// What it grants.
    pub permissions: Option<Vec<String>>,
    /// Whether who has it must have a second factor.
    pub mfa_required: Option<bool>,
    /// The etag that was read, or empty for any.
    pub etag: String,
}

impl Roles {
    /// Changes a role. The caller has what it grants, before and after.
    pub async fn update_role(
        &self,
        call: &Call,
        command: UpdateRole,
        request: &IdempotentCall<Role>,
    ) -> Idempotent<Role> {
        let (id, changes) = parse(&command)?;
        let open = self.idempotency.open(call, request).await?;
        let tx = open.tx.as_ref();
        let mut role = tx.roles().lock_role(id).await?.ok_or_else(|| not_found(id))?;
        Source::Transaction(tx).require_all(call.caller()?, &role.permissions).await?;
        Source::Transaction(tx)
            .require_all(call.caller()?, changes.permissions.as_ref().unwrap_or(&role.permissions))
            .await?;
        etag::require(&command.etag, &role.etag())?;
        if role.built_in {
            return Err(Refusal::RoleBuiltIn.into());
        }
        role.change(changes, call.now);
        match tx.roles().update_role(&role).await {
            Ok(true) => {}
            Ok(false) => {
                return Err(Error::Contention("the role was changed by another transaction".into()).into());
            }
            Err(StoreError::Conflict(_)) => return Err(Refusal::NameTaken.into()),
            Err(error) => return Err(error.into()),
        }
        let event = call.event(AuditType::RoleUpdated).on(role.id).with("permissions", &role.permissions);
        let event = event.with("mfa_required", role.mfa_required);
        self.trail.record(tx, event, call.now).await?;
        open.finish(role).await
    }
}

fn parse(command: &UpdateRole) -> Result<(RoleId, RoleChanges)> {
    let mut violations = Violations::default();
    let id = violations.take("id", RoleId::parse(&command.id));
    let name = command.name.as_deref().and_then(|text| violations.take("name", Name::parse(text)));
    let description = command.description.as_deref();
    let description = description.and_then(|text| violations.take("description", Description::parse(text)));
    let permissions = command.permissions.as_deref();
    let permissions = permissions.and_then(|texts| violations.take("permissions", parse_permissions(texts)));
    let mfa_required = command.mfa_required;
    violations.check(id.map(|id| (id, RoleChanges { name, description, permissions, mfa_required })))
}
