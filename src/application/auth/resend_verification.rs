use super::Auth;
use super::mail_token::WantedToken;
use crate::application::error::Result;
use crate::domain::action_token::ActionPurpose;
use crate::domain::audit::AuditType;
use crate::domain::origin::Origin;
use crate::domain::user::{User, UserState};

impl Auth {
    /// Mails a new verification token if the address waits for one.
    pub async fn resend_verification(&self, email: &str, origin: &Origin) -> Result<()> {
        let (purpose, kind) = (ActionPurpose::VerifyEmail, AuditType::EmailVerificationRequested);
        let may_have = |user: &User| user.state == UserState::Pending;
        self.mail_token(email, origin, WantedToken { purpose, may_have, kind }).await
    }
}
