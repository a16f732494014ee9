use super::Auth;
use crate::application::audit_trail::Event;
use crate::application::error::{Refusal, Result, Violations};
use crate::application::user_changes;
use crate::domain::account::user::UserState;
use crate::domain::audit::AuditType;
use crate::domain::mail::MailContent;
use crate::domain::session::origin::Origin;
use crate::domain::text;
use crate::domain::token::action_token;
use crate::domain::token::action_token::ActionPurpose;

impl Auth {
    /// Proves an e-mail address with a mailed token. Whoever waited for that is welcomed by mail.
    pub async fn verify_email(&self, token: &str, origin: &Origin) -> Result<()> {
        let now = self.clock.now();
        let mut violations = Violations::default();
        let token = violations.take("token", text::required(token, action_token::MAX_BYTES));
        let digest = action_token::digest(violations.check(token)?);

        let mut tx = self.store.write().await?;
        let consumed = tx.action_tokens().consume_action_token(&digest, ActionPurpose::VerifyEmail, now).await?;
        let user_id = consumed.ok_or(Refusal::ActionTokenInvalid)?.user_id;
        let mut user = tx.users().find_user(user_id).await?.ok_or(Refusal::ActionTokenInvalid)?;
        let was_pending = user.state == UserState::Pending;
        if user.prove_email(now) {
            user_changes::user(tx.as_mut(), &user).await?;
            if was_pending {
                self.post.send(tx.as_mut(), &user, MailContent::Welcome, now).await?;
            }
        }
        let event = Event::by_person(user.id, origin, AuditType::EmailVerified).on(user.id);
        self.trail.record(tx.as_mut(), event, now).await?;
        tx.commit().await?;
        Ok(())
    }
}
