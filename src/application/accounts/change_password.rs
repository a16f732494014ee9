use super::Accounts;
use super::own_password::confirm_own;
use crate::application::attempt_limiter;
use crate::application::call::Call;
use crate::application::error::{Result, Violations};
use crate::application::ports::PasswordCredential;
use crate::application::{new_password, user_changes};
use crate::domain::audit::AuditType;
use crate::domain::credential::password::{NewPassword, Password, PasswordHash};
use crate::domain::mail::MailContent;
use crate::domain::secret::Secret;
use crate::domain::session::EndReason;
use crate::domain::token::action_token::ActionPurpose;

/// What a person sends to replace the password.
#[derive(Debug, Clone, Default)]
pub struct ChangePassword {
    /// The password in use.
    pub current_password: Secret,
    /// The new one.
    pub new_password: Secret,
}

impl Accounts {
    /// Replaces the caller's password, ends the caller's other sessions and tells the person by mail.
    pub async fn change_password(&self, call: &Call, command: ChangePassword) -> Result<()> {
        let (current, new) = self.parse_change(&command)?;
        let (user, credential) = self.check_own_password(call, &current, AuditType::PasswordChanged).await?;
        let new = new.of_account(&user.words());
        let hash = new_password::hash(self.hasher.as_ref(), &new, "new_password").await?;
        self.replace(call, &credential, &hash).await
    }

    /// Checks what can be checked without knowing the account.
    fn parse_change(&self, command: &ChangePassword) -> Result<(Password, NewPassword)> {
        let mut violations = Violations::default();
        let current = violations.take("current_password", Password::presented(command.current_password.expose()));
        let new = self.policy.passwords.read(command.new_password.expose());
        let new = violations.take_password("new_password", new);
        violations.check(current.zip(new))
    }

    async fn replace(&self, call: &Call, checked: &PasswordCredential, hash: &PasswordHash) -> Result<()> {
        let person = call.person()?;
        let mut tx = self.store.write().await?;
        let mut user = confirm_own(tx.as_mut(), person, checked).await?;
        tx.credentials().put_password(user.id, hash, call.now).await?;
        user.password_replaced(call.now);
        user_changes::user(tx.as_mut(), &user).await?;
        let end = (call.now, EndReason::PasswordChanged);
        tx.sessions().end_sessions(user.id, Some(person.session_id), end).await?;
        // Whoever asked for a reset or a change of address before must not undo this change, and no invitation either.
        for purpose in [ActionPurpose::ResetPassword, ActionPurpose::ChangeEmail, ActionPurpose::AcceptInvitation] {
            tx.action_tokens().drop_action_token(user.id, purpose).await?;
        }
        attempt_limiter::forget_all(tx.as_mut(), &self.throttle_key, &user).await?;
        self.post.send(tx.as_mut(), &user, MailContent::PasswordChanged, call.now).await?;
        let event = call.event(AuditType::PasswordChanged).on(user.id);
        self.trail.record(tx.as_mut(), event, call.now).await?;
        tx.commit().await?;
        Ok(())
    }
}
