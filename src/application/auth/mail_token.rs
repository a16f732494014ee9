use super::Auth;
use crate::application::brake::Brake;
use crate::application::error::{Result, Violations};
use crate::domain::action_token::ActionPurpose;
use crate::domain::email::EmailAddress;
use crate::domain::origin::Origin;
use crate::domain::user::User;

impl Auth {
    /// Mails a token to an address if it has an account that may have one. Outcome and cost are the same for every
    /// address.
    pub(super) async fn mail_token(
        &self,
        email: &str,
        origin: &Origin,
        (purpose, may_have): (ActionPurpose, fn(&User) -> bool),
    ) -> Result<()> {
        let now = self.clock.now();
        let mut violations = Violations::default();
        let email = violations.take("email", EmailAddress::parse(email));
        let email = violations.check(email)?;
        let brake = Brake::request(&self.throttle_key, "mail", &origin.client);

        let mut tx = self.store.write().await?;
        brake.admit(tx.as_mut(), now).await?;
        brake.count(tx.as_mut(), now).await?;
        let user = tx.users().find_by_email(&email).await?.filter(may_have);
        let to = (&email, user.as_ref());
        self.post.send_token(tx.as_mut(), to, purpose, (&self.policy, now)).await?;
        tx.commit().await?;
        Ok(())
    }
}
