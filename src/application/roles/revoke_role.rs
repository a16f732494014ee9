use super::get_role::not_found;
use super::subject::find;
use super::{GrantRole, Roles};
use crate::application::access::rights;
use crate::application::audit_trail::Event;
use crate::application::caller::Caller;
use crate::application::error::{Refusal, Result};
use crate::application::idempotency::{Answer, IdempotentCall, Started};
use crate::domain::access::role;
use crate::domain::audit::AuditType;

impl Roles {
    /// Takes from somebody a role that grants no more than the caller has. The last administrator keeps it.
    pub async fn revoke_role(
        &self,
        caller: &Caller,
        command: GrantRole,
        call: &IdempotentCall<()>,
    ) -> Result<Answer<()>> {
        let now = self.clock.now();
        let (role_id, subject) = command.parse()?;
        let mut work = match self.repeats.begin(caller.subject(), call).await? {
            Started::New(work) => work,
            Started::Repeated(answer) => return Ok(Answer::Repeated(answer)),
        };
        let tx = work.tx.as_mut();
        let role = tx.roles().lock_role(role_id).await?.ok_or_else(|| not_found(role_id))?;
        let user = find(tx, subject).await?;
        rights::require_all(tx, caller, &role.permissions).await?;
        if let Some(user) = user.filter(|_| role.id == role::ADMINISTRATOR) {
            rights::keep_an_administrator(tx, &user).await?;
        }
        if !tx.roles().remove_grant(role_id, subject, now).await? {
            let name = format!("{role_id}/{subject}");
            return Err(Refusal::NotFound { resource: "RoleGrant", name }.into());
        }
        let event = Event::by(caller, AuditType::PermissionsChanged).on(subject).with("revoked", role_id);
        self.trail.record(tx, event, now).await?;
        work.finish(call, ()).await
    }
}
