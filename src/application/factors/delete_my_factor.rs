use super::{Factors, not_found};
use crate::application::call::Call;
use crate::application::error::{Refusal, Violations};
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::user_changes;
use crate::domain::audit::AuditType;
use crate::domain::credential::factor::Factor;
use crate::domain::id::FactorId;
use crate::domain::mail::FactorsChange;

impl Factors {
    /// Removes a factor of the caller's. Recovery codes go with the last one, which stays if the person must have one.
    pub async fn delete_my_factor(&self, call: &Call, id: &str, request: &IdempotentCall<()>) -> Idempotent<()> {
        let mut violations = Violations::default();
        let factor_id = violations.take("id", FactorId::parse(id));
        let factor_id = violations.check(factor_id)?;

        let (open, mut user) = self.begin(call, request).await?;
        let tx = open.tx.as_ref();
        let factors = tx.factors().list_factors(user.id).await?;
        let factor = factors.iter().find(|factor| factor.id == factor_id).ok_or_else(|| not_found(id))?;
        let is_other = |other: &Factor| other.is_primary() && other.id != factor_id;
        if factor.is_primary() && !factors.iter().any(is_other) {
            if self.policy.demands_factor(&tx.roles().roles_of(user.id.into()).await?) {
                return Err(Refusal::LastFactor.into());
            }
            tx.factors().delete_factors(user.id).await?;
            user.mfa_changed(false, call.now);
            user_changes::user(tx, &user).await?;
        } else {
            tx.factors().delete_factor(user.id, factor_id).await?;
        }
        self.changed(tx, &user, FactorsChange::Removed(factor.kind()), call).await?;
        let event = call.event(AuditType::FactorRemoved).on(user.id);
        let event = event.with("factor_id", factor_id).with("kind", factor.kind().as_str());
        self.trail.record(tx, event, call.now).await?;
        open.finish(()).await
    }
}
