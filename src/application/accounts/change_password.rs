use super::Accounts;
use crate::application::attempt_limiter;
use crate::application::call::Call;
use crate::application::error::{Result, Violations};
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::sign_in::OwnProof;
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
    pub async fn change_password(
        &self,
        call: &Call,
        command: ChangePassword,
        request: &IdempotentCall<()>,
    ) -> Idempotent<()> {
        let (current, new) = self.parse_change(&command)?;
        let proof = self.own_password.check(call, &current, AuditType::PasswordChanged, request).await?;
        let new = new.of_account(&proof.user.words());
        let hash = new_password::hash(self.hasher.as_ref(), &new, "new_password").await?;
        self.replace(call, &proof, &hash, request).await
    }

    /// Checks what can be checked without knowing the account.
    fn parse_change(&self, command: &ChangePassword) -> Result<(Password, NewPassword)> {
        let mut violations = Violations::default();
        let current = violations.take("current_password", Password::presented(command.current_password.expose()));
        let new = self.policy.passwords.read(command.new_password.expose());
        let new = violations.take_password("new_password", new);
        violations.check(current.zip(new))
    }

    async fn replace(
        &self,
        call: &Call,
        proof: &OwnProof,
        hash: &PasswordHash,
        request: &IdempotentCall<()>,
    ) -> Idempotent<()> {
        let person = call.person()?;
        let open = self.idempotency.open(call, request).await?;
        let tx = open.tx.as_ref();
        let mut user = proof.confirm(tx, call).await?;
        attempt_limiter::forget_all(tx, &self.throttle_key, &user).await?;
        tx.credentials().put_password(user.id, hash, call.now).await?;
        user.password_replaced(call.now);
        user_changes::user(tx, &user).await?;
        let end = (call.now, EndReason::PasswordChanged);
        tx.sessions().end_sessions(user.id, Some(person.session_id), end).await?;
        // Whoever asked for a reset or a change of address before must not undo this change, and no invitation either.
        for purpose in [ActionPurpose::ResetPassword, ActionPurpose::ChangeEmail, ActionPurpose::AcceptInvitation] {
            tx.action_tokens().drop_action_token(user.id, purpose).await?;
        }
        self.post.send(tx, &user, MailContent::PasswordChanged, call.now).await?;
        let event = call.event(AuditType::PasswordChanged).on(user.id);
        self.trail.record(tx, event, call.now).await?;
        open.finish(()).await
    }
}
