use super::Users;
use crate::application::call::Call;
use crate::application::error::Violations;
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::domain::audit::AuditType;
use crate::domain::id::UserId;

impl Users {
    /// Erases a deleted account before its time, with all that belongs to it. The audit trail keeps the id.
    pub async fn purge_user(&self, call: &Call, id: &str, request: &IdempotentCall<()>) -> Idempotent<()> {
        let mut violations = Violations::default();
        let id = violations.take("id", UserId::parse(id));
        let id = violations.check(id)?;

        let (open, user) = self.begin_on(call, id, request).await?;
        user.require_deleted()?;
        open.tx.users().erase_user(id, call.now).await?;
        self.trail.record(open.tx.as_ref(), call.event(AuditType::UserPurged).on(id), call.now).await?;
        open.finish(()).await
    }
}
