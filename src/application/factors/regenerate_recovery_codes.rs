use super::{Factors, not_found};
use crate::application::call::Call;
use crate::application::error::Refusal;
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::domain::audit::AuditType;
use crate::domain::mail::FactorsChange;
use crate::domain::secret::Secret;

impl Factors {
    /// Makes new recovery codes for the caller; those from before are void.
    pub async fn regenerate_recovery_codes(
        &self,
        call: &Call,
        request: &IdempotentCall<Vec<Secret>>,
    ) -> Idempotent<Vec<Secret>> {
        self.idempotency.require_new(call, request).await?;
        let person = call.person()?;
        let user = self.store.read().await?.users().find_user(person.user_id).await?.ok_or(Refusal::TokenInvalid)?;
        if !user.mfa_enabled {
            return Err(not_found("recovery codes").into());
        }
        let codes = self.new_codes().await?;
        let (open, user) = self.begin(call, request).await?;
        if !user.mfa_enabled {
            return Err(not_found("recovery codes").into());
        }
        let tx = open.tx.as_ref();
        self.replace_codes(tx, user.id, &codes, call).await?;
        self.changed(tx, &user, FactorsChange::RecoveryCodesMade, call).await?;
        self.trail.record(tx, call.event(AuditType::RecoveryCodesMade).on(user.id), call.now).await?;
        open.finish(codes.shown).await
    }
}
