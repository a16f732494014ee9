use super::Auth;
use super::mail_token::WantedToken;
use crate::application::error::Result;
use crate::domain::account::user::{User, UserState};
use crate::domain::audit::AuditType;
use crate::domain::session::origin::Origin;
use crate::domain::token::action_token::ActionPurpose;

impl Auth {
    /// Mails a new verification token if the address waits for one.
    pub async fn resend_verification(&self, email: &str, origin: &Origin) -> Result<()> {
        let (purpose, kind) = (ActionPurpose::VerifyEmail, AuditType::EmailVerificationRequested);
        let may_have = |user: &User| user.state == UserState::Pending;
        self.mail_token(email, origin, WantedToken { purpose, may_have, kind }).await
    }
}
