use super::Registration;
use crate::application::call::Call;
use crate::application::error::Violations;
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::{attempt_limiter, mailed_tokens, user_changes};
use crate::domain::account::user::UserState;
use crate::domain::audit::AuditType;
use crate::domain::mail::MailContent;
use crate::domain::secret::Secret;
use crate::domain::token::action_token::ActionPurpose;

impl Registration {
    /// Proves an e-mail address with a mailed token. Whoever waited for that is welcomed by mail. If several people had
    /// signed up with the address, nothing stays that any of them chose: whoever reads its mail gets another one, with a
    /// token to choose the password by.
    pub async fn verify_email(&self, call: &Call, token: &Secret, request: &IdempotentCall<()>) -> Idempotent<()> {
        let mut violations = Violations::default();
        let digest = mailed_tokens::read(token, &mut violations);
        let digest = violations.check(digest)?;

        self.idempotency.require_new(call, request).await?;
        let purpose = ActionPurpose::VerifyEmail;
        mailed_tokens::require_valid(self.store.as_ref(), &digest, purpose, call.now).await?;
        let open = self.idempotency.open(call, request).await?;
        let tx = open.tx.as_ref();
        let (_, mut user) = mailed_tokens::consume(tx, &digest, purpose, call.now).await?;
        user_changes::settle_username(tx, &mut user).await?;
        let before = user.clone();
        if user.prove_email(call.now) {
            if before.is_disputed() {
                user_changes::void_sign_up(tx, &mut user, call.now).await?;
            }
            user_changes::user(tx, &user).await?;
            if before.is_provisional() {
                // Attempts to sign in before the proof counted as failures, whatever the password.
                attempt_limiter::forget_all(tx, &self.throttle_key, &user).await?;
                tx.credentials().forget_failures(user.id).await?;
            }
            if before.is_disputed() {
                self.post.send_token_unthrottled(tx, &user, ActionPurpose::ResetPassword, call.now).await?;
            } else if before.state == UserState::Pending {
                self.post.send(tx, &user, MailContent::Welcome, call.now).await?;
            }
        }
        let event = mailed_tokens::used_by(&user, call, AuditType::EmailVerified);
        self.trail.record(tx, event, call.now).await?;
        open.finish(()).await
    }
}
