use super::Users;
use crate::application::access::rights;
use crate::application::audit_trail::Event;
use crate::application::caller::Caller;
use crate::application::error::{Result, Violations};
use crate::application::idempotency::{Answer, IdempotentCall, Started};
use crate::application::user_changes;
use crate::domain::account::user::{StateReason, User};
use crate::domain::audit::AuditType;
use crate::domain::id::UserId;

/// Whom to suspend, and why.
#[derive(Debug, Clone, Default)]
pub struct SuspendUser {
    /// The person.
    pub id: String,
    /// The reason, or empty.
    pub reason: String,
}

impl Users {
    /// Suspends an account. Every session ends at once, and mailed tokens are void.
    pub async fn suspend_user(
        &self,
        caller: &Caller,
        command: SuspendUser,
        call: &IdempotentCall<User>,
    ) -> Result<Answer<User>> {
        let now = self.clock.now();
        let mut violations = Violations::default();
        let id = violations.take("id", UserId::parse(&command.id));
        let reason = violations.take("reason", StateReason::parse(&command.reason));
        let (id, reason) = violations.check(id.zip(reason))?;

        let (mut work, mut user) = match self.begin_on(caller, id, call).await? {
            Started::New(begun) => begun,
            Started::Repeated(answer) => return Ok(Answer::Repeated(answer)),
        };
        rights::keep_an_administrator(work.tx.as_mut(), &user).await?;
        user.suspend(reason, now)?;
        user_changes::closed(work.tx.as_mut(), &user, now).await?;
        let event = Event::by(caller, AuditType::UserSuspended).on(id).because(user.state_reason.as_str());
        self.trail.record(work.tx.as_mut(), event, now).await?;
        work.finish(call, user).await
    }
}
