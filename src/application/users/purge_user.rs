use super::Users;
use crate::application::audit_trail::Event;
use crate::application::caller::Caller;
use crate::application::error::{Result, Violations};
use crate::application::idempotency::{Answer, IdempotentCall, Started};
use crate::domain::audit::AuditType;
use crate::domain::id::UserId;

impl Users {
    /// Erases a deleted account before its time, with all that belongs to it. The audit trail keeps the id.
    pub async fn purge_user(&self, caller: &Caller, id: &str, call: &IdempotentCall<()>) -> Result<Answer<()>> {
        let now = self.clock.now();
        let mut violations = Violations::default();
        let id = violations.take("id", UserId::parse(id));
        let id = violations.check(id)?;

        let (mut work, user) = match self.begin_on(caller, id, call).await? {
            Started::New(begun) => begun,
            Started::Repeated(answer) => return Ok(Answer::Repeated(answer)),
        };
        user.require_deleted()?;
        work.tx.users().erase_user(id, now).await?;
        self.trail.record(work.tx.as_mut(), Event::by(caller, AuditType::UserPurged).on(id), now).await?;
        work.finish(call, ()).await
    }
}
