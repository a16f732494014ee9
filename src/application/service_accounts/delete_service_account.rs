use super::ServiceAccounts;
use crate::application::audit_trail::Event;
use crate::application::caller::Caller;
use crate::application::error::{Result, Violations};
use crate::application::etag;
use crate::application::idempotency::{Answer, IdempotentCall, Started};
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
        caller: &Caller,
        command: DeleteServiceAccount,
        call: &IdempotentCall<()>,
    ) -> Result<Answer<()>> {
        let now = self.clock.now();
        let mut violations = Violations::default();
        let id = violations.take("id", ServiceAccountId::parse(&command.id));
        let etag = violations.take("etag", etag::read(&command.etag));
        let (id, etag) = violations.check(id.zip(etag))?;
        let (mut work, account) = match self.begin_on(caller, id, call).await? {
            Started::New(begun) => begun,
            Started::Repeated(answer) => return Ok(Answer::Repeated(answer)),
        };
        let tx = work.tx.as_mut();
        etag::require(etag, &account.etag())?;
        tx.service_accounts().remove_service_account(id, now).await?;
        self.trail.record(tx, Event::by(caller, AuditType::ServiceAccountDeleted).on(id), now).await?;
        work.finish(call, ()).await
    }
}
