use super::Accounts;
use crate::application::call::Call;
use crate::application::error::{Error, Refusal, Violation, Violations};
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::jobs::TokenRecipient;
use crate::application::self_service::SelfService;
use crate::domain::account::email::EmailAddress;
use crate::domain::audit::AuditType;
use crate::domain::mail::MailContent;
use crate::domain::token::action_token::ActionPurpose;

impl Accounts {
    /// Begins to change the caller's address: a token to the new one, a notice to the old one, which stays valid. An
    /// address of somebody else is treated alike; the conflict shows to whoever has read its mail.
    pub async fn change_email(&self, call: &Call, new_email: &str, request: &IdempotentCall<()>) -> Idempotent<()> {
        let mut violations = Violations::default();
        let new_email = violations.take("new_email", EmailAddress::parse(new_email));
        let new_email = violations.check(new_email)?;

        let open = self.begin(call, SelfService::ADDRESS, request).await?;
        let tx = open.tx.as_ref();
        let user = tx.users().find_user(call.person()?.user_id).await?.ok_or(Refusal::TokenInvalid)?;
        if user.email.canonical() == new_email.canonical() {
            let violation = Violation::form("new_email", "is the address of the account already");
            return Err(Error::Invalid(vec![violation]).into());
        }
        let to = TokenRecipient::new(&new_email, Some(&user));
        self.post.send_token(tx, to, ActionPurpose::ChangeEmail, call.now).await?;
        self.post.send_sparingly(tx, &user, MailContent::EmailChangeRequested, call.now).await?;
        let event = call.event(AuditType::EmailChangeRequested).on(user.id);
        self.trail.record(tx, event, call.now).await?;
        open.finish(()).await
    }
}
