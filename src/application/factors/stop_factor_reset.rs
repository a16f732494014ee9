use super::Factors;
use super::removal::reset_key;
use crate::application::call::Call;
use crate::application::error::Violations;
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::mailed_tokens;
use crate::domain::audit::AuditType;
use crate::domain::secret::Secret;
use crate::domain::token::action_token::ActionPurpose;

impl Factors {
    /// Stops the removal of all factors that support has ordered, with the token that was mailed to the person.
    pub async fn stop_factor_reset(&self, call: &Call, token: &Secret, request: &IdempotentCall<()>) -> Idempotent<()> {
        let mut violations = Violations::default();
        let digest = mailed_tokens::read(token, &mut violations);
        let digest = violations.check(digest)?;
        let purpose = ActionPurpose::StopFactorReset;
        self.idempotency.require_new(call, request).await?;
        mailed_tokens::require_valid(self.store.as_ref(), &digest, purpose, call.now).await?;

        let open = self.idempotency.open(call, request).await?;
        let tx = open.tx.as_ref();
        let (_, user) = mailed_tokens::consume(tx, &digest, purpose, call.now).await?;
        let stopped = tx.jobs().cancel_job(&reset_key(user.id)).await?;
        let event = mailed_tokens::used_by(&user, call, AuditType::FactorResetStopped).with("stopped", stopped);
        self.trail.record(tx, event, call.now).await?;
        open.finish(()).await
    }
}
