use super::Roles;
use super::get_role::not_found;
use crate::application::access::source::Source;
use crate::application::call::Call;
use crate::application::error::{Refusal, Violations};
use crate::application::etag;
use crate::application::idempotency::{Idempotent, IdempotentCall};
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
    /// Whether to take the role from whoever has it.
    pub force: bool,
}

impl Roles {
    /// Erases a role that nobody has, or takes it from whoever has it first.
    pub async fn delete_role(&self, call: &Call, command: DeleteRole, request: &IdempotentCall<()>) -> Idempotent<()> {
        let mut violations = Violations::default();
        let id = violations.take("id", RoleId::parse(&command.id));
        let etag = violations.take("etag", etag::read(&command.etag));
        let (id, etag) = violations.check(id.zip(etag))?;
        let open = self.idempotency.open(call, request).await?;
        let tx = open.tx.as_ref();
        // The lock keeps others from granting the role meanwhile.
        let role = tx.roles().lock_role(id).await?.ok_or_else(|| not_found(id))?;
        Source::Transaction(tx).require_all(call.caller()?, &role.permissions).await?;
        etag::require(etag, &role.etag())?;
        if role.built_in {
            return Err(Refusal::RoleBuiltIn.into());
        }
        if !command.force && !tx.roles().list_grants(GrantsOf::Role(id), None, 1).await?.is_empty() {
            return Err(Refusal::RoleInUse.into());
        }
        tx.roles().remove_role(id, call.now).await?;
        self.trail.record(tx, call.event(AuditType::RoleDeleted).on(id), call.now).await?;
        open.finish(()).await
    }
}
