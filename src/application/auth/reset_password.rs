use super::Auth;
use crate::application::error::{Error, Refusal, Result, Violation, Violations};
use crate::application::ports::Transaction;
use crate::application::{brake, save};
use crate::domain::Timestamp;
use crate::domain::action_token::{self, ActionPurpose};
use crate::domain::id::UserId;
use crate::domain::mail::MailContent;
use crate::domain::origin::Origin;
use crate::domain::secret::Digest;
use crate::domain::session::EndReason;
use crate::domain::text;
use crate::domain::user::User;

/// What a person sends to set a new password.
#[derive(Debug, Clone, Default)]
pub struct ResetPassword {
    /// The mailed token.
    pub token: String,
    /// The new password.
    pub new_password: String,
}

impl Auth {
    /// Sets a new password with a mailed token, ends every session and lifts the lock of failed attempts. Never signs
    /// in.
    pub async fn reset_password(&self, command: ResetPassword, origin: &Origin) -> Result<()> {
        let now = self.clock.now();
        let digest = self.parse_reset(&command)?;
        let user = self.find_recoverable(&digest, now).await?;
        let accepted = self.policy.passwords.accept(&command.new_password, &user.words());
        let password = accepted.map_err(|why| Error::Invalid(vec![Violation::password("new_password", why)]))?;
        let hash = self.hasher.hash(&password).await?;

        let mut tx = self.store.write().await?;
        let consumed = tx.action_tokens().consume_action_token(&digest, ActionPurpose::ResetPassword, now).await?;
        let user_id = consumed.ok_or(Refusal::ActionTokenInvalid)?.user_id;
        let mut user = find_recoverable_in(tx.as_mut(), user_id).await?;
        tx.credentials().put_password(user.id, &hash, now).await?;
        user.password_recovered(now);
        save::user(tx.as_mut(), &user).await?;
        // Whoever had the account before must not take it back by a change of address that was asked for.
        for purpose in [ActionPurpose::VerifyEmail, ActionPurpose::ChangeEmail] {
            tx.action_tokens().drop_action_token(user.id, purpose).await?;
        }
        tx.sessions().end_sessions(user.id, None, (now, EndReason::PasswordChanged)).await?;
        brake::forget_all(tx.as_mut(), &self.throttle_key, &user).await?;
        self.post.send(tx.as_mut(), &user, MailContent::PasswordChanged, now).await?;
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

    async fn find_recoverable(&self, digest: &Digest, now: Timestamp) -> Result<User> {
        let mut tx = self.store.read().await?;
        let found = tx.action_tokens().find_action_token(digest, ActionPurpose::ResetPassword, now).await?;
        find_recoverable_in(tx.as_mut(), found.ok_or(Refusal::ActionTokenInvalid)?).await
    }
}

async fn find_recoverable_in(tx: &mut dyn Transaction, id: UserId) -> Result<User> {
    let user = tx.users().find_user(id).await?;
    user.filter(User::can_recover).ok_or(Refusal::ActionTokenInvalid.into())
}
