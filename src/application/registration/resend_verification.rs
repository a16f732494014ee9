use super::Registration;
use crate::application::call::Call;
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::mailed_tokens::WantedToken;
use crate::domain::account::user::{User, UserState};
use crate::domain::audit::AuditType;
use crate::domain::token::action_token::ActionPurpose;

impl Registration {
    /// Mails a new verification token if the address waits for one.
    pub async fn resend_verification(&self, call: &Call, email: &str, request: &IdempotentCall<()>) -> Idempotent<()> {
        let (purpose, kind) = (ActionPurpose::VerifyEmail, AuditType::EmailVerificationRequested);
        let may_have = |user: &User| user.state == UserState::Pending;
        self.mailed_tokens.send(call, email, WantedToken { purpose, may_have, kind }, request).await
    }
}
