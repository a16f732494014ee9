use super::Auth;
use crate::application::error::Result;
use crate::domain::action_token::ActionPurpose;
use crate::domain::origin::Origin;
use crate::domain::user::User;

impl Auth {
    /// Mails a reset token if the address has an account. The account itself stays as it is: its password works and its
    /// sessions go on.
    pub async fn request_password_reset(&self, email: &str, origin: &Origin) -> Result<()> {
        self.mail_token(email, origin, (ActionPurpose::ResetPassword, User::can_recover)).await
    }
}
