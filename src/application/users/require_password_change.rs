use super::Users;
use crate::application::audit_trail::Event;
use crate::application::caller::Caller;
use crate::application::error::{Result, Violations};
use crate::application::idempotency::{Answer, IdempotentCall, Started};
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
        caller: &Caller,
        id: &str,
        call: &IdempotentCall<User>,
    ) -> Result<Answer<User>> {
        let now = self.clock.now();
        let mut violations = Violations::default();
        let id = violations.take("id", UserId::parse(id));
        let id = violations.check(id)?;

        let (mut work, mut user) = match self.begin_on(caller, id, call).await? {
            Started::New(begun) => begun,
            Started::Repeated(answer) => return Ok(Answer::Repeated(answer)),
        };
        let tx = work.tx.as_mut();
        user.require_password_change(now)?;
        user_changes::user(tx, &user).await?;
        tx.sessions().end_sessions(id, None, (now, EndReason::Revoked)).await?;
        if user.can_recover() {
            self.post.order_token(tx, &user, ActionPurpose::ResetPassword, (&self.policy, now)).await?;
        }
        self.trail.record(tx, Event::by(caller, AuditType::PasswordChangeRequired).on(id), now).await?;
        work.finish(call, user).await
    }
}
