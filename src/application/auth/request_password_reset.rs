use super::Auth;
use super::mail_token::WantedToken;
use crate::application::error::Result;
use crate::domain::account::user::User;
use crate::domain::audit::AuditType;
use crate::domain::session::origin::Origin;
use crate::domain::token::action_token::ActionPurpose;

impl Auth {
    /// Mails a reset token if the address has an account. The account itself stays as it is: its password works and its
    /// sessions go on.
    pub async fn request_password_reset(&self, email: &str, origin: &Origin) -> Result<()> {
        let (purpose, kind) = (ActionPurpose::ResetPassword, AuditType::PasswordResetRequested);
        self.mail_token(email, origin, WantedToken { purpose, may_have: User::can_recover, kind }).await
    }
}
