use super::Accounts;
use crate::application::audit_trail::Event;
use crate::application::call::Call;
use crate::application::error::{Refusal, Result, Violations};
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::jobs::Recipient;
use crate::application::ports::Transaction;
use crate::application::{mailed_tokens, user_changes};
use crate::domain::account::email::EmailAddress;
use crate::domain::account::user::User;
use crate::domain::audit::AuditType;
use crate::domain::mail::MailContent;
use crate::domain::secret::Secret;
use crate::domain::token::action_token::ActionPurpose;

impl Accounts {
    /// Completes a change of address. Tokens that were mailed to the old address are void from here on.
    pub async fn confirm_email_change(
        &self,
        call: &Call,
        token: &Secret,
        request: &IdempotentCall<()>,
    ) -> Idempotent<()> {
        let mut violations = Violations::default();
        let digest = mailed_tokens::read(token, &mut violations);
        let digest = violations.check(digest)?;

        self.idempotency.require_new(call, request).await?;
        let purpose = ActionPurpose::ChangeEmail;
        mailed_tokens::require_valid(self.store.as_ref(), &digest, purpose, call.now).await?;
        let open = self.idempotency.open(call, request).await?;
        let tx = open.tx.as_ref();
        let (consumed, user) = mailed_tokens::consume(tx, &digest, purpose, call.now).await?;
        let new_email = consumed.new_email.ok_or(Refusal::ActionTokenInvalid)?;
        let mut user = Some(user).filter(User::keeps_sessions).ok_or(Refusal::ActionTokenInvalid)?;
        self.make_room(tx, &new_email, call).await?;
        user_changes::require_free_email(tx, &new_email, user.id).await?;
        user_changes::settle_username(tx, &mut user).await?;
        let old_email = user.email.clone();
        user.change_email(new_email, call.now);
        user_changes::user(tx, &user).await?;
        tx.action_tokens().drop_action_tokens(user.id).await?;
        for address in [&old_email, &user.email] {
            self.post.send_to(tx, Recipient { user: &user, address }, MailContent::EmailChanged, call.now).await?;
        }
        let event = mailed_tokens::used_by(&user, call, AuditType::EmailChanged);
        self.trail.record(tx, event, call.now).await?;
        open.finish(()).await
    }

    /// Erases what somebody signed up with an address that they never proved: now somebody else has proven it.
    async fn make_room(&self, tx: &dyn Transaction, address: &EmailAddress, call: &Call) -> Result<()> {
        if let Some(sign_up) = tx.users().find_by_email(address).await?.filter(User::is_provisional) {
            tx.users().erase_user(sign_up.id, call.now).await?;
            self.trail.record(tx, Event::by_system(AuditType::UserPurged).on(sign_up.id), call.now).await?;
        }
        Ok(())
    }
}
