use super::Auth;
use crate::application::error::Result;
use crate::domain::action_token::ActionPurpose;
use crate::domain::origin::Origin;
use crate::domain::user::UserState;

impl Auth {
    /// Mails a new verification token if the address waits for one.
    pub async fn resend_verification(&self, email: &str, origin: &Origin) -> Result<()> {
        self.mail_token(email, origin, (ActionPurpose::VerifyEmail, |user| user.state == UserState::Pending)).await
    }
}
