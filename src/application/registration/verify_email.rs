use super::Registration;
use crate::application::call::Call;
use crate::application::error::{Result, Violations};
use crate::application::{mailed_tokens, user_changes};
use crate::domain::account::user::UserState;
use crate::domain::audit::AuditType;
use crate::domain::mail::MailContent;
use crate::domain::secret::Secret;
use crate::domain::token::action_token::ActionPurpose;

impl Registration {
    /// Proves an e-mail address with a mailed token. Whoever waited for that is welcomed by mail.
    pub async fn verify_email(&self, call: &Call, token: &Secret) -> Result<()> {
        let mut violations = Violations::default();
        let digest = mailed_tokens::read(token, &mut violations);
        let digest = violations.check(digest)?;

        let purpose = ActionPurpose::VerifyEmail;
        mailed_tokens::require_valid(self.store.as_ref(), &digest, purpose, call.now).await?;
        let mut tx = self.store.write().await?;
        let (_, mut user) = mailed_tokens::consume(tx.as_mut(), &digest, purpose, call.now).await?;
        let was_pending = user.state == UserState::Pending;
        if user.prove_email(call.now) {
            user_changes::user(tx.as_mut(), &user).await?;
            if was_pending {
                self.post.send(tx.as_mut(), &user, MailContent::Welcome, call.now).await?;
            }
        }
        let event = mailed_tokens::used_by(&user, call, AuditType::EmailVerified);
        self.trail.record(tx.as_mut(), event, call.now).await?;
        tx.commit().await?;
        Ok(())
    }
}
