use super::Accounts;
use crate::application::audit_trail::Event;
use crate::application::error::{Refusal, Result, Violations};
use crate::application::user_changes;
use crate::domain::account::user::User;
use crate::domain::audit::AuditType;
use crate::domain::mail::MailContent;
use crate::domain::session::origin::Origin;
use crate::domain::text;
use crate::domain::token::action_token;
use crate::domain::token::action_token::ActionPurpose;

impl Accounts {
    /// Completes a change of address. Tokens that were mailed to the old address are void from here on.
    pub async fn confirm_email_change(&self, token: &str, origin: &Origin) -> Result<()> {
        let now = self.clock.now();
        let mut violations = Violations::default();
        let token = violations.take("token", text::required(token, action_token::MAX_BYTES));
        let digest = action_token::digest(violations.check(token)?);

        let mut tx = self.store.write().await?;
        let consumed = tx.action_tokens().consume_action_token(&digest, ActionPurpose::ChangeEmail, now).await?;
        let consumed = consumed.ok_or(Refusal::ActionTokenInvalid)?;
        let new_email = consumed.new_email.ok_or(Refusal::ActionTokenInvalid)?;
        let user = tx.users().find_user(consumed.user_id).await?.filter(User::keeps_sessions);
        let mut user = user.ok_or(Refusal::ActionTokenInvalid)?;
        let holder = tx.users().find_by_email(&new_email).await?;
        if holder.is_some_and(|holder| holder.id != user.id) {
            return Err(Refusal::EmailTaken.into());
        }
        let old_email = user.email.clone();
        user.change_email(new_email, now);
        user_changes::user(tx.as_mut(), &user).await?;
        tx.action_tokens().drop_action_tokens(user.id).await?;
        for address in [&old_email, &user.email] {
            self.post.send_to(tx.as_mut(), (&user, address), MailContent::EmailChanged, now).await?;
        }
        let event = Event::by_person(user.id, origin, AuditType::EmailChanged).on(user.id);
        self.trail.record(tx.as_mut(), event, now).await?;
        tx.commit().await?;
        Ok(())
    }
}
