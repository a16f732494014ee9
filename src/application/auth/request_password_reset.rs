use super::Auth;
use super::mail_token::WantedToken;
use crate::application::error::Result;
use crate::domain::action_token::ActionPurpose;
use crate::domain::audit::AuditType;
use crate::domain::origin::Origin;
use crate::domain::user::User;

impl Auth {
    /// Mails a reset token if the address has an account. The account itself stays as it is: its password works and its
    /// sessions go on.
    pub async fn request_password_reset(&self, email: &str, origin: &Origin) -> Result<()> {
        let (purpose, kind) = (ActionPurpose::ResetPassword, AuditType::PasswordResetRequested);
        self.mail_token(email, origin, WantedToken { purpose, may_have: User::can_recover, kind }).await
    }
}
