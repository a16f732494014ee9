use super::get_role::not_found;
use super::subject::find;
use super::{NamedSubject, Roles};
use crate::application::access::rights;
use crate::application::audit_trail::Event;
use crate::application::caller::Caller;
use crate::application::error::{Refusal, Result, Violations};
use crate::application::idempotency::{Answer, IdempotentCall, Started};
use crate::domain::access::role::{MAX_PER_SUBJECT, RoleGrant};
use crate::domain::access::subject::Subject;
use crate::domain::account::user::StateForbids;
use crate::domain::audit::AuditType;
use crate::domain::id::RoleId;

/// Which role, and who gets or loses it.
#[derive(Debug, Clone)]
pub struct GrantRole {
    /// Which role.
    pub role_id: String,
    /// Who gets or loses it.
    pub subject: NamedSubject,
}

impl GrantRole {
    pub(super) fn parse(&self) -> Result<(RoleId, Subject)> {
        let mut violations = Violations::default();
        let role_id = violations.take("role_id", RoleId::parse(&self.role_id));
        let subject = self.subject.parse(&mut violations);
        violations.check(role_id.zip(subject))
    }
}

impl Roles {
    /// Gives somebody a role that grants no more than the caller has.
    pub async fn grant_role(
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
        // The lock keeps the role from growing between the check and the grant.
        let role = tx.roles().lock_role(role_id).await?.ok_or_else(|| not_found(role_id))?;
        let user = find(tx, subject).await?;
        rights::require_all(tx, caller, &role.permissions).await?;
        // Whoever signs up next with an address that nobody has proven takes the account over, and must not gain by it.
        if let Some(user) = user.filter(|user| user.provisional) {
            return Err(StateForbids(user.state).into());
        }
        if tx.roles().put_grant(&RoleGrant { role_id, subject, create_time: now }).await? {
            if tx.roles().roles_of(subject).await?.len() > MAX_PER_SUBJECT {
                return Err(Refusal::QuotaExceeded { what: "roles of one subject, at most 100" }.into());
            }
            let event = Event::by(caller, AuditType::PermissionsChanged).on(subject).with("granted", role_id);
            self.trail.record(tx, event, now).await?;
        }
        work.finish(call, ()).await
    }
}
