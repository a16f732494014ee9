use super::{StateChange, Users};
use crate::application::access::last_administrator;
use crate::application::call::Call;
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::user_changes;
use crate::domain::account::user::User;
use crate::domain::audit::AuditType;

impl Users {
    /// Suspends an account. Every session ends at once, and mailed tokens are void.
    pub async fn suspend_user(
        &self,
        call: &Call,
        command: StateChange,
        request: &IdempotentCall<User>,
    ) -> Idempotent<User> {
        let (id, reason) = command.parse()?;

        let (open, mut user) = self.begin_on(call, id, request).await?;
        last_administrator::keep(open.tx.as_ref(), &user).await?;
        user.suspend(reason, call.now)?;
        user_changes::closed(open.tx.as_ref(), &user, call.now).await?;
        let event = call.event(AuditType::UserSuspended).on(id).because(user.state_reason.as_str());
        self.trail.record(open.tx.as_ref(), event, call.now).await?;
        open.finish(user).await
    }
}
