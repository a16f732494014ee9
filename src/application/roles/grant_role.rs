use super::get_role::not_found;
use super::subject::find;
use super::{NamedSubject, Roles};
use crate::application::access::source::Source;
use crate::application::call::Call;
use crate::application::error::{Refusal, Result, Violations};
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::domain::access::role::{MAX_PER_SUBJECT, RoleGrant};
use crate::domain::access::subject::Subject;
use crate::domain::account::user::StateForbids;
use crate::domain::audit::AuditType;
use crate::domain::id::RoleId;
use crate::domain::session::EndReason;

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
    pub async fn grant_role(&self, call: &Call, command: GrantRole, request: &IdempotentCall<()>) -> Idempotent<()> {
        let (role_id, subject) = command.parse()?;
        let open = self.idempotency.open(call, request).await?;
        let tx = open.tx.as_ref();
        // The lock keeps the role from growing between the check and the grant.
        let role = tx.roles().lock_role(role_id).await?.ok_or_else(|| not_found(role_id))?;
        let user = find(tx, subject).await?;
        Source::Transaction(tx).require_all(call.caller()?, &role.permissions).await?;
        // Whoever signs up next with an address that nobody has proven takes the account over, and must not gain by it.
        if let Some(user) = user.as_ref().filter(|user| user.is_provisional()) {
            return Err(StateForbids(user.state).into());
        }
        let without_factor = user.filter(|user| !user.mfa_enabled && self.policy.demands_factor(&[role]));
        if tx.roles().put_grant(&RoleGrant { role_id, subject, create_time: call.now }).await? {
            if tx.roles().roles_of(subject).await?.len() > MAX_PER_SUBJECT as usize {
                return Err(Refusal::QuotaExceeded { what: "roles of one subject", limit: MAX_PER_SUBJECT }.into());
            }
            if let Some(user) = without_factor {
                // Tokens from before would open what the role opens, without the second factor that it demands.
                tx.sessions().end_sessions(user.id, None, (call.now, EndReason::Revoked)).await?;
            }
            let event = call.event(AuditType::PermissionsChanged).on(subject).with("granted", role_id);
            self.trail.record(tx, event, call.now).await?;
        }
        open.finish(()).await
    }
}
