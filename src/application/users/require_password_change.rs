use super::Users;
use crate::application::call::Call;
use crate::application::error::Violations;
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::user_changes;
use crate::domain::account::user::User;
use crate::domain::audit::AuditType;
use crate::domain::id::UserId;
use crate::domain::session::EndReason;
use crate::domain::token::action_token::ActionPurpose;

impl Users {
    /// Demands a new password before the next sign-in: every session ends at once, and a reset token is mailed unless the
    /// account is suspended, in which case it could not be used.
    pub async fn require_password_change(
        &self,
        call: &Call,
        id: &str,
        request: &IdempotentCall<User>,
    ) -> Idempotent<User> {
        let mut violations = Violations::default();
        let id = violations.take("id", UserId::parse(id));
        let id = violations.check(id)?;

        let (open, mut user) = self.begin_on(call, id, request).await?;
        let tx = open.tx.as_ref();
        user.require_password_change(call.now)?;
        user_changes::user(tx, &user).await?;
        tx.sessions().end_sessions(id, None, (call.now, EndReason::Revoked)).await?;
        if user.can_recover() {
            self.post.send_token_unthrottled(tx, &user, ActionPurpose::ResetPassword, call.now).await?;
        }
        self.trail.record(tx, call.event(AuditType::PasswordChangeRequired).on(id), call.now).await?;
        open.finish(user).await
    }
}
