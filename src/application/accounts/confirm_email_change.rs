use super::Accounts;
use crate::application::call::Call;
use crate::application::error::{Refusal, Result, Violations};
use crate::application::jobs::Recipient;
use crate::application::{mailed_tokens, user_changes};
use crate::domain::account::user::User;
use crate::domain::audit::AuditType;
use crate::domain::mail::MailContent;
use crate::domain::secret::Secret;
use crate::domain::token::action_token::ActionPurpose;

impl Accounts {
    /// Completes a change of address. Tokens that were mailed to the old address are void from here on.
    pub async fn confirm_email_change(&self, call: &Call, token: &Secret) -> Result<()> {
        let mut violations = Violations::default();
        let digest = mailed_tokens::read(token, &mut violations);
        let digest = violations.check(digest)?;

        let purpose = ActionPurpose::ChangeEmail;
        mailed_tokens::require_valid(self.store.as_ref(), &digest, purpose, call.now).await?;
        let mut tx = self.store.write().await?;
        let (consumed, user) = mailed_tokens::consume(tx.as_mut(), &digest, purpose, call.now).await?;
        let new_email = consumed.new_email.ok_or(Refusal::ActionTokenInvalid)?;
        let mut user = Some(user).filter(User::keeps_sessions).ok_or(Refusal::ActionTokenInvalid)?;
        user_changes::require_free_email(tx.as_mut(), &new_email, user.id).await?;
        let old_email = user.email.clone();
        user.change_email(new_email, call.now);
        user_changes::user(tx.as_mut(), &user).await?;
        tx.action_tokens().drop_action_tokens(user.id).await?;
        for address in [&old_email, &user.email] {
            self.post
                .send_to(tx.as_mut(), Recipient { user: &user, address }, MailContent::EmailChanged, call.now)
                .await?;
        }
        let event = mailed_tokens::used_by(&user, call, AuditType::EmailChanged);
        self.trail.record(tx.as_mut(), event, call.now).await?;
        tx.commit().await?;
        Ok(())
    }
}
