use super::ServiceAccounts;
use crate::application::call::Call;
use crate::application::error::Violations;
use crate::application::etag;
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::domain::audit::AuditType;
use crate::domain::id::ServiceAccountId;

/// Which service account to erase.
#[derive(Debug, Clone, Default)]
pub struct DeleteServiceAccount {
    /// Which account.
    pub id: String,
    /// The etag that was read, or empty for any.
    pub etag: String,
}

impl ServiceAccounts {
    /// Erases a service account with its keys and grants.
    pub async fn delete_service_account(
        &self,
        call: &Call,
        command: DeleteServiceAccount,
        request: &IdempotentCall<()>,
    ) -> Idempotent<()> {
        let mut violations = Violations::default();
        let id = violations.take("id", ServiceAccountId::parse(&command.id));
        let etag = violations.take("etag", etag::read(&command.etag));
        let (id, etag) = violations.check(id.zip(etag))?;
        let (open, account) = self.begin_on(call, id, request).await?;
        let tx = open.tx.as_ref();
        etag::require(etag, &account.etag())?;
        tx.service_accounts().remove_service_account(id, call.now).await?;
        self.trail.record(tx, call.event(AuditType::ServiceAccountDeleted).on(id), call.now).await?;
        open.finish(()).await
    }
}
