use super::Roles;
use crate::application::access::rights;
use crate::application::audit_trail::Event;
use crate::application::caller::Caller;
use crate::application::error::{Refusal, Result, Violations};
use crate::application::idempotency::{Answer, IdempotentCall, Started};
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
}

impl Roles {
    /// Makes a role of permissions that the caller has.
    pub async fn create_role(
        &self,
        caller: &Caller,
        command: CreateRole,
        call: &IdempotentCall<Role>,
    ) -> Result<Answer<Role>> {
        let now = self.clock.now();
        let mut violations = Violations::default();
        let name = violations.take("role.name", Name::parse(&command.name));
        let description = violations.take("role.description", Description::parse(&command.description));
        let permissions = violations.take("role.permissions", parse_permissions(&command.permissions));
        let (name, description, permissions) =
            violations.check(name.zip(description).zip(permissions).map(|((a, b), c)| (a, b, c)))?;
        let id = RoleId::new(now, &self.entropy.bytes()?);
        let role = Role { description, ..Role::new(id, name, permissions, now) };

        let mut work = match self.repeats.begin(caller.subject(), call).await? {
            Started::New(work) => work,
            Started::Repeated(answer) => return Ok(Answer::Repeated(answer)),
        };
        let tx = work.tx.as_mut();
        rights::require_all(tx, caller, &role.permissions).await?;
        if i64::try_from(tx.roles().list_roles(None, MAX_ROLES).await?.len()) == Ok(MAX_ROLES) {
            return Err(Refusal::QuotaExceeded { what: "roles, at most 1000" }.into());
        }
        if !tx.roles().insert_role(&role).await? {
            return Err(Refusal::NameTaken.into());
        }
        let event = Event::by(caller, AuditType::RoleCreated).on(role.id).with("permissions", &role.permissions);
        self.trail.record(tx, event, now).await?;
        work.finish(call, role).await
    }
}
