use super::Roles;
use super::get_role::not_found;
use crate::application::access::rights;
use crate::application::audit_trail::Event;
use crate::application::caller::Caller;
use crate::application::error::{Error, Refusal, Result, Violations};
use crate::application::etag;
use crate::application::idempotency::{Answer, IdempotentCall, Started};
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
    /// The etag that was read, or empty for any.
    pub etag: String,
}

impl Roles {
    /// Changes a role. The caller has what it grants, before and after.
    pub async fn update_role(
        &self,
        caller: &Caller,
        command: UpdateRole,
        call: &IdempotentCall<Role>,
    ) -> Result<Answer<Role>> {
        let now = self.clock.now();
        let (id, changes) = parse(&command)?;
        let mut work = match self.repeats.begin(caller.subject(), call).await? {
            Started::New(work) => work,
            Started::Repeated(answer) => return Ok(Answer::Repeated(answer)),
        };
        let tx = work.tx.as_mut();
        let mut role = tx.roles().lock_role(id).await?.ok_or_else(|| not_found(id))?;
        rights::require_all(tx, caller, &role.permissions).await?;
        rights::require_all(tx, caller, changes.permissions.as_ref().unwrap_or(&role.permissions)).await?;
        etag::require(&command.etag, &role.etag())?;
        if role.built_in {
            return Err(Refusal::RoleBuiltIn.into());
        }
        role.change(changes, now);
        match tx.roles().update_role(&role).await {
            Ok(true) => {}
            Ok(false) => return Err(Error::Contention("the role was changed by another transaction".into())),
            Err(StoreError::Conflict(_)) => return Err(Refusal::NameTaken.into()),
            Err(error) => return Err(error.into()),
        }
        let event = Event::by(caller, AuditType::RoleUpdated).on(role.id).with("permissions", &role.permissions);
        self.trail.record(tx, event, now).await?;
        work.finish(call, role).await
    }
}

fn parse(command: &UpdateRole) -> Result<(RoleId, RoleChanges)> {
    let mut violations = Violations::default();
    let id = violations.take("role.id", RoleId::parse(&command.id));
    let name = command.name.as_deref().and_then(|text| violations.take("role.name", Name::parse(text)));
    let description = command.description.as_deref();
    let description = description.and_then(|text| violations.take("role.description", Description::parse(text)));
    let permissions = command.permissions.as_deref();
    let permissions = permissions.and_then(|texts| violations.take("role.permissions", parse_permissions(texts)));
    violations.check(id.map(|id| (id, RoleChanges { name, description, permissions })))
}
