use super::Auth;
use crate::application::brake::Brake;
use crate::application::error::{Result, Violations};
use crate::domain::action_token::ActionPurpose;
use crate::domain::client::Client;
use crate::domain::email::EmailAddress;
use crate::domain::user::User;

impl Auth {
    /// Mails a reset token if the address has an account. The outcome is the same for every address, and the account
    /// itself stays as it is: its password works and its sessions go on.
    pub async fn request_password_reset(&self, email: &str, client: &Client) -> Result<()> {
        let now = self.clock.now();
        let mut violations = Violations::default();
        let email = violations.take("email", EmailAddress::parse(email));
        let email = violations.check(email)?;
        let brake = Brake::request(&self.throttle_key, "mail", client);

        let mut tx = self.store.write().await?;
        brake.admit(tx.as_mut(), now).await?;
        brake.count(tx.as_mut(), now).await?;
        let user = tx.users().find_by_email(&email).await?.filter(User::can_recover);
        let to = (&email, user.as_ref());
        self.post.send_token(tx.as_mut(), to, ActionPurpose::ResetPassword, (&self.policy, now)).await?;
        tx.commit().await?;
        Ok(())
    }
}
