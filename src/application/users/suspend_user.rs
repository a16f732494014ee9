use super::Users;
use crate::application::access::last_administrator;
use crate::application::call::Call;
use crate::application::error::Violations;
use crate::application::idempotency::{Idempotent, IdempotentCall};
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
        call: &Call,
        command: SuspendUser,
        request: &IdempotentCall<User>,
    ) -> Idempotent<User> {
        let mut violations = Violations::default();
        let id = violations.take("id", UserId::parse(&command.id));
        let reason = violations.take("reason", StateReason::parse(&command.reason));
        let (id, reason) = violations.check(id.zip(reason))?;

        let (mut open, mut user) = self.begin_on(call, id, request).await?;
        last_administrator::keep(open.tx.as_mut(), &user).await?;
        user.suspend(reason, call.now)?;
        user_changes::closed(open.tx.as_mut(), &user, call.now).await?;
        let event = call.event(AuditType::UserSuspended).on(id).because(user.state_reason.as_str());
        self.trail.record(open.tx.as_mut(), event, call.now).await?;
        open.finish(user).await
    }
}
