use super::Users;
use crate::application::call::Call;
use crate::application::error::Violations;
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::user_changes;
use crate::domain::account::user::{StateReason, User};
use crate::domain::audit::AuditType;
use crate::domain::id::UserId;

/// Whose suspension to lift, and why.
#[derive(Debug, Clone, Default)]
pub struct ActivateUser {
    /// The person.
    pub id: String,
    /// The reason, or empty.
    pub reason: String,
}

impl Users {
    /// Lifts a suspension. Sessions that it ended stay ended.
    pub async fn activate_user(
        &self,
        call: &Call,
        command: ActivateUser,
        request: &IdempotentCall<User>,
    ) -> Idempotent<User> {
        let mut violations = Violations::default();
        let id = violations.take("id", UserId::parse(&command.id));
        let reason = violations.take("reason", StateReason::parse(&command.reason));
        let (id, reason) = violations.check(id.zip(reason))?;

        let (mut open, mut user) = self.begin_on(call, id, request).await?;
        user.activate(reason, call.now)?;
        user_changes::user(open.tx.as_mut(), &user).await?;
        let event = call.event(AuditType::UserActivated).on(id).because(user.state_reason.as_str());
        self.trail.record(open.tx.as_mut(), event, call.now).await?;
        open.finish(user).await
    }
}
