use super::{StateChange, Users};
use crate::application::call::Call;
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::user_changes;
use crate::domain::account::user::User;
use crate::domain::audit::AuditType;

impl Users {
    /// Lifts a suspension. Sessions that it ended stay ended.
    pub async fn activate_user(
        &self,
        call: &Call,
        command: StateChange,
        request: &IdempotentCall<User>,
    ) -> Idempotent<User> {
        let (id, reason) = command.parse()?;

        let (open, mut user) = self.begin_on(call, id, request).await?;
        user.activate(reason, call.now)?;
        user_changes::user(open.tx.as_ref(), &user).await?;
        let event = call.event(AuditType::UserActivated).on(id).because(user.state_reason.as_str());
        self.trail.record(open.tx.as_ref(), event, call.now).await?;
        open.finish(user).await
    }
}
