use super::ServiceAccounts;
use super::subject::save;
use crate::application::audit_trail::Event;
use crate::application::caller::Caller;
use crate::application::error::{Result, Violations};
use crate::application::idempotency::{Answer, IdempotentCall, Started};
use crate::domain::account::service_account::ServiceAccount;
use crate::domain::audit::AuditType;
use crate::domain::id::ServiceAccountId;

impl ServiceAccounts {
    /// Makes all keys and tokens of a service account useless at once.
    pub async fn disable_service_account(
        &self,
        caller: &Caller,
        id: &str,
        call: &IdempotentCall<ServiceAccount>,
    ) -> Result<Answer<ServiceAccount>> {
        self.set_disabled(caller, (id, true), call).await
    }

    /// Makes the keys of a service account useful again.
    pub async fn enable_service_account(
        &self,
        caller: &Caller,
        id: &str,
        call: &IdempotentCall<ServiceAccount>,
    ) -> Result<Answer<ServiceAccount>> {
        self.set_disabled(caller, (id, false), call).await
    }

    async fn set_disabled(
        &self,
        caller: &Caller,
        (id, disabled): (&str, bool),
        call: &IdempotentCall<ServiceAccount>,
    ) -> Result<Answer<ServiceAccount>> {
        let now = self.clock.now();
        let mut violations = Violations::default();
        let id = violations.take("id", ServiceAccountId::parse(id));
        let id = violations.check(id)?;
        let (mut work, mut account) = match self.begin_on(caller, id, call).await? {
            Started::New(begun) => begun,
            Started::Repeated(answer) => return Ok(Answer::Repeated(answer)),
        };
        if account.set_disabled(disabled, now) {
            let tx = work.tx.as_mut();
            save(tx, &account).await?;
            let kind = if disabled { AuditType::ServiceAccountDisabled } else { AuditType::ServiceAccountEnabled };
            self.trail.record(tx, Event::by(caller, kind).on(id), now).await?;
        }
        work.finish(call, account).await
    }
}
