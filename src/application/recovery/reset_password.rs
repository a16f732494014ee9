use super::Recovery;
use crate::application::call::Call;
use crate::application::error::{Refusal, Result, Violations};
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::ports::Transaction;
use crate::application::{attempt_limiter, mailed_tokens, new_password, user_changes};
use crate::domain::Timestamp;
use crate::domain::account::user::{User, UserState};
use crate::domain::audit::AuditType;
use crate::domain::credential::password::NewPassword;
use crate::domain::id::UserId;
use crate::domain::mail::MailContent;
use crate::domain::secret::{Digest, Secret};
use crate::domain::session::EndReason;
use crate::domain::token::action_token::ActionPurpose;

/// What a person sends to set a new password.
#[derive(Debug, Clone, Default)]
pub struct ResetPassword {
    /// The mailed token.
    pub token: Secret,
    /// The new password.
    pub new_password: Secret,
}

impl Recovery {
    /// Sets a new password with the token of a reset or an invitation, ends every session and lifts the lock of failed
    /// attempts. Never signs in.
    pub async fn reset_password(
        &self,
        call: &Call,
        command: ResetPassword,
        request: &IdempotentCall<()>,
    ) -> Idempotent<()> {
        let (digest, new) = self.parse_reset(&command)?;
        self.idempotency.require_new(call, request).await?;
        let (user, purpose) = self.find_recoverable(&digest, call.now).await?;
        let new = new.of_account(&user.words());
        let hash = new_password::hash(self.hasher.as_ref(), &new, "new_password").await?;

        let open = self.idempotency.open(call, request).await?;
        let tx = open.tx.as_ref();
        let (_, user) = mailed_tokens::consume(tx, &digest, purpose, call.now).await?;
        let mut user = Some(user).filter(User::can_recover).ok_or(Refusal::ActionTokenInvalid)?;
        attempt_limiter::forget_all(tx, &self.throttle_key, &user).await?;
        tx.credentials().put_password(user.id, &hash, call.now).await?;
        let was_pending = user.state == UserState::Pending;
        if user.is_provisional() {
            user_changes::drop_factors(tx, &mut user).await?;
        }
        user.password_recovered(call.now);
        user_changes::user(tx, &user).await?;
        // Whoever had the account before must not take it back by what was asked for or mailed then.
        tx.action_tokens().drop_action_tokens(user.id).await?;
        tx.sessions().end_sessions(user.id, None, (call.now, EndReason::PasswordChanged)).await?;
        for notice in notices(purpose, was_pending) {
            self.post.send(tx, &user, notice.clone(), call.now).await?;
        }
        let event = mailed_tokens::used_by(&user, call, AuditType::PasswordReset);
        self.trail.record(tx, event, call.now).await?;
        open.finish(()).await
    }

    /// Checks what can be checked without knowing whose token it is.
    fn parse_reset(&self, command: &ResetPassword) -> Result<(Digest, NewPassword)> {
        let mut violations = Violations::default();
        let digest = mailed_tokens::read(&command.token, &mut violations);
        let new = self.policy.passwords.read(command.new_password.expose());
        let new = violations.take_password("new_password", new);
        violations.check(digest.zip(new))
    }

    /// Whose token it is, and what for. It is looked up as the one, then as the other.
    async fn find_recoverable(&self, digest: &Digest, now: Timestamp) -> Result<(User, ActionPurpose)> {
        let tx = self.store.read().await?;
        for purpose in [ActionPurpose::ResetPassword, ActionPurpose::AcceptInvitation] {
            if let Some(user_id) = tx.action_tokens().find_action_token(digest, purpose, now).await? {
                return Ok((find_recoverable_in(tx.as_ref(), user_id).await?, purpose));
            }
        }
        Err(Refusal::ActionTokenInvalid.into())
    }
}

async fn find_recoverable_in(tx: &dyn Transaction, id: UserId) -> Result<User> {
    let user = tx.users().find_user(id).await?;
    user.filter(User::can_recover).ok_or(Refusal::ActionTokenInvalid.into())
}

/// What the person is told. Whoever accepts an invitation sets a first password, and replaces none.
const fn notices(purpose: ActionPurpose, was_pending: bool) -> &'static [MailContent] {
    match (was_pending, purpose) {
        (true, ActionPurpose::AcceptInvitation) => &[MailContent::Welcome],
        (true, _) => &[MailContent::PasswordChanged, MailContent::Welcome],
        (false, _) => &[MailContent::PasswordChanged],
    }
}
