use super::{Factors, not_found};
use crate::application::call::Call;
use crate::application::error::{Error, Violations};
use crate::application::etag;
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::domain::audit::AuditType;
use crate::domain::credential::factor::{Factor, FactorName};
use crate::domain::id::FactorId;

/// What a person wants to change of a factor.
#[derive(Debug, Clone, Default)]
pub struct UpdateFactor {
    /// Which one.
    pub id: String,
    /// What to call it; nothing to leave it as it is.
    pub display_name: Option<String>,
    /// The etag that was read, or empty for any.
    pub etag: String,
}

impl Factors {
    /// Gives a factor of the caller's another name.
    pub async fn update_my_factor(
        &self,
        call: &Call,
        command: UpdateFactor,
        request: &IdempotentCall<Factor>,
    ) -> Idempotent<Factor> {
        let mut violations = Violations::default();
        let id = violations.take("id", FactorId::parse(&command.id));
        let etag = violations.take("etag", etag::read(&command.etag));
        let name = command.display_name.as_deref().map(FactorName::parse).transpose();
        let name = violations.take("display_name", name);
        let ((id, etag), name) = violations.check(id.zip(etag).zip(name))?;

        let (open, user) = self.begin(call, request).await?;
        let tx = open.tx.as_ref();
        let factor = tx.factors().find_factor(user.id, id).await?;
        let mut factor = factor.ok_or_else(|| not_found(&command.id))?;
        etag::require(etag, &factor.etag())?;
        if let Some(name) = name {
            factor.rename(name);
            if !tx.factors().rename_factor(&factor).await? {
                return Err(Error::Contention("the factor was changed by another transaction".into()).into());
            }
            let event = call.event(AuditType::FactorRenamed).on(user.id).with("factor_id", id);
            self.trail.record(tx, event, call.now).await?;
        }
        open.finish(factor).await
    }
}
