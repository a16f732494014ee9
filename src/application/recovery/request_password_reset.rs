use super::Recovery;
use crate::application::call::Call;
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::mailed_tokens::WantedToken;
use crate::domain::account::user::User;
use crate::domain::audit::AuditType;
use crate::domain::token::action_token::ActionPurpose;

impl Recovery {
    /// Mails a reset token if the address has an account. The account itself stays as it is: its password works and its
    /// sessions continue.
    pub async fn request_password_reset(
        &self,
        call: &Call,
        email: &str,
        request: &IdempotentCall<()>,
    ) -> Idempotent<()> {
        let (purpose, kind) = (ActionPurpose::ResetPassword, AuditType::PasswordResetRequested);
        let wanted = WantedToken { purpose, may_have: User::can_recover, kind };
        self.mailed_tokens.send(call, email, wanted, request).await
    }
}
