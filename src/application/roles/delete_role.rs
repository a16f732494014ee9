use super::Roles;
use super::get_role::not_found;
use crate::application::access::rights;
use crate::application::audit_trail::Event;
use crate::application::caller::Caller;
use crate::application::error::{Refusal, Result, Violations};
use crate::application::etag;
use crate::application::idempotency::{Answer, IdempotentCall, Started};
use crate::application::ports::GrantsOf;
use crate::domain::audit::AuditType;
use crate::domain::id::RoleId;

/// Which role to erase.
#[derive(Debug, Clone, Default)]
pub struct DeleteRole {
    /// Which role.
    pub id: String,
    /// The etag that was read, or empty for any.
    pub etag: String,
}

impl Roles {
    /// Erases a role that nobody has.
    pub async fn delete_role(
        &self,
        caller: &Caller,
        command: DeleteRole,
        call: &IdempotentCall<()>,
    ) -> Result<Answer<()>> {
        let now = self.clock.now();
        let mut violations = Violations::default();
        let id = violations.take("id", RoleId::parse(&command.id));
        let etag = violations.take("etag", etag::read(&command.etag));
        let (id, etag) = violations.check(id.zip(etag))?;
        let mut work = match self.repeats.begin(caller.subject(), call).await? {
            Started::New(work) => work,
            Started::Repeated(answer) => return Ok(Answer::Repeated(answer)),
        };
        let tx = work.tx.as_mut();
        // The lock keeps others from granting the role meanwhile.
        let role = tx.roles().lock_role(id).await?.ok_or_else(|| not_found(id))?;
        rights::require_all(tx, caller, &role.permissions).await?;
        etag::require(etag, &role.etag())?;
        if role.built_in {
            return Err(Refusal::RoleBuiltIn.into());
        }
        if !tx.roles().list_grants(GrantsOf::Role(id), None, 1).await?.is_empty() {
            return Err(Refusal::RoleInUse.into());
        }
        tx.roles().remove_role(id, now).await?;
        self.trail.record(tx, Event::by(caller, AuditType::RoleDeleted).on(id), now).await?;
        work.finish(call, ()).await
    }
}
