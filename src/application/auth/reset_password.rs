use super::Auth;
use crate::application::audit_trail::Event;
use crate::application::error::{Error, Refusal, Result, Violation, Violations};
use crate::application::ports::Transaction;
use crate::application::{attempt_limiter, user_changes};
use crate::domain::Timestamp;
use crate::domain::account::user::{User, UserState};
use crate::domain::audit::AuditType;
use crate::domain::id::UserId;
use crate::domain::mail::MailContent;
use crate::domain::secret::Digest;
use crate::domain::session::EndReason;
use crate::domain::session::origin::Origin;
use crate::domain::text;
use crate::domain::token::action_token;
use crate::domain::token::action_token::ActionPurpose;

/// What a person sends to set a new password.
#[derive(Debug, Clone, Default)]
pub struct ResetPassword {
    /// The mailed token.
    pub token: String,
    /// The new password.
    pub new_password: String,
}

impl Auth {
    /// Sets a new password with the token of a reset or an invitation, ends every session and lifts the lock of failed
    /// attempts. Never signs in.
    pub async fn reset_password(&self, command: ResetPassword, origin: &Origin) -> Result<()> {
        let now = self.clock.now();
        let digest = self.parse_reset(&command)?;
        let (user, purpose) = self.find_recoverable(&digest, now).await?;
        let accepted = self.policy.passwords.accept(&command.new_password, &user.words());
        let password = accepted.map_err(|why| Error::Invalid(vec![Violation::password("new_password", why)]))?;
        let hash = self.hasher.hash(&password).await?;

        let mut tx = self.store.write().await?;
        let consumed = tx.action_tokens().consume_action_token(&digest, purpose, now).await?;
        let user_id = consumed.ok_or(Refusal::ActionTokenInvalid)?.user_id;
        let mut user = find_recoverable_in(tx.as_mut(), user_id).await?;
        tx.credentials().put_password(user.id, &hash, now).await?;
        let was_pending = user.state == UserState::Pending;
        user.password_recovered(now);
        user_changes::user(tx.as_mut(), &user).await?;
        // Whoever had the account before must not take it back by what was asked for or mailed then.
        tx.action_tokens().drop_action_tokens(user.id).await?;
        tx.sessions().end_sessions(user.id, None, (now, EndReason::PasswordChanged)).await?;
        attempt_limiter::forget_all(tx.as_mut(), &self.throttle_key, &user).await?;
        for notice in notices(purpose, was_pending) {
            self.post.send(tx.as_mut(), &user, notice.clone(), now).await?;
        }
        let event = Event::by_person(user.id, origin, AuditType::PasswordReset).on(user.id);
        self.trail.record(tx.as_mut(), event, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Checks what can be checked without knowing whose token it is.
    fn parse_reset(&self, command: &ResetPassword) -> Result<Digest> {
        let mut violations = Violations::default();
        let token = violations.take("token", text::required(&command.token, action_token::MAX_BYTES));
        let accepted = self.policy.passwords.accept(&command.new_password, &[]);
        let password = violations.take_password("new_password", accepted);
        violations.check(token.zip(password)).map(|(token, _)| action_token::digest(token))
    }

    /// Whose token it is, and what for. It is looked up as the one, then as the other.
    async fn find_recoverable(&self, digest: &Digest, now: Timestamp) -> Result<(User, ActionPurpose)> {
        let mut tx = self.store.read().await?;
        for purpose in [ActionPurpose::ResetPassword, ActionPurpose::AcceptInvitation] {
            if let Some(user_id) = tx.action_tokens().find_action_token(digest, purpose, now).await? {
                return Ok((find_recoverable_in(tx.as_mut(), user_id).await?, purpose));
            }
        }
        Err(Refusal::ActionTokenInvalid.into())
    }
}

async fn find_recoverable_in(tx: &mut dyn Transaction, id: UserId) -> Result<User> {
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
