use super::Auth;
use crate::application::attempt_limiter::AttemptLimiter;
use crate::application::audit_trail::Event;
use crate::application::error::{Result, Violations};
use crate::domain::Timestamp;
use crate::domain::account::email::EmailAddress;
use crate::domain::account::user::User;
use crate::domain::audit::AuditType;
use crate::domain::session::origin::Origin;
use crate::domain::token::action_token::ActionPurpose;

/// A token that somebody asks for by mail.
pub(super) struct WantedToken {
    /// What it is for.
    pub(super) purpose: ActionPurpose,
    /// Which accounts may have one.
    pub(super) may_have: fn(&User) -> bool,
    /// What the audit trail calls it.
    pub(super) kind: AuditType,
}

impl Auth {
    /// Mails a token to an address if it has an account that may have one. Outcome and cost are the same for every
    /// address; the audit trail alone tells whether there was an account.
    pub(super) async fn mail_token(&self, email: &str, origin: &Origin, wanted: WantedToken) -> Result<()> {
        let now = self.clock.now();
        let mut violations = Violations::default();
        let email = violations.take("email", EmailAddress::parse(email));
        let email = violations.check(email)?;
        let outcome = self.try_mail_token(&email, &wanted, (origin, now)).await;
        let throttled = Event::anonymous(origin, AuditType::RateLimitExceeded).with("request", wanted.kind.word());
        self.trail.note_throttling(self.store.as_ref(), outcome, throttled, now).await
    }

    async fn try_mail_token(
        &self,
        email: &EmailAddress,
        wanted: &WantedToken,
        (origin, now): (&Origin, Timestamp),
    ) -> Result<()> {
        let limiter = AttemptLimiter::request(&self.throttle_key, "mail", &origin.client);
        let mut tx = self.store.write().await?;
        limiter.check(tx.as_mut(), now).await?;
        limiter.count(tx.as_mut(), now).await?;
        let user = tx.users().find_by_email(email).await?.filter(wanted.may_have);
        let to = (email, user.as_ref());
        let is_mailed = self.post.send_token(tx.as_mut(), to, wanted.purpose, (&self.policy, now)).await?;
        let mut event = Event::anonymous(origin, wanted.kind).with("mailed", is_mailed);
        if let Some(user) = &user {
            event = event.on(user.id);
        }
        self.trail.record(tx.as_mut(), event, now).await?;
        tx.commit().await?;
        Ok(())
    }
}
