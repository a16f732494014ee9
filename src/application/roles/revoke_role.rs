use super::get_role::not_found;
use super::subject::find;
use super::{GrantRole, Roles};
use crate::application::access::last_administrator;
use crate::application::access::source::Source;
use crate::application::call::Call;
use crate::application::error::Refusal;
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::domain::access::role;
use crate::domain::audit::AuditType;

impl Roles {
    /// Takes from somebody a role that grants no more than the caller has. The last administrator keeps it.
    pub async fn revoke_role(&self, call: &Call, command: GrantRole, request: &IdempotentCall<()>) -> Idempotent<()> {
        let (role_id, subject) = command.parse()?;
        let open = self.idempotency.open(call, request).await?;
        let tx = open.tx.as_ref();
        let role = tx.roles().lock_role(role_id).await?.ok_or_else(|| not_found(role_id))?;
        let user = find(tx, subject).await?;
        Source::Transaction(tx).require_all(call.caller()?, &role.permissions).await?;
        if let Some(user) = user.filter(|_| role.id == role::ADMINISTRATOR) {
            last_administrator::keep(tx, &user).await?;
        }
        if !tx.roles().remove_grant(role_id, subject, call.now).await? {
            let name = format!("{role_id}/{subject}");
            return Err(Refusal::NotFound { resource: "RoleGrant", name }.into());
        }
        let event = call.event(AuditType::PermissionsChanged).on(subject).with("revoked", role_id);
        self.trail.record(tx, event, call.now).await?;
        open.finish(()).await
    }
}
