use super::ServiceAccounts;
use super::subject::store_account;
use crate::application::call::Call;
use crate::application::error::Violations;
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::domain::account::service_account::ServiceAccount;
use crate::domain::audit::AuditType;
use crate::domain::id::ServiceAccountId;

impl ServiceAccounts {
    /// Makes all keys and tokens of a service account useless at once.
    pub async fn disable_service_account(
        &self,
        call: &Call,
        id: &str,
        request: &IdempotentCall<ServiceAccount>,
    ) -> Idempotent<ServiceAccount> {
        self.set_disabled(call, (id, true), request).await
    }

    /// Makes the keys of a service account useful again.
    pub async fn enable_service_account(
        &self,
        call: &Call,
        id: &str,
        request: &IdempotentCall<ServiceAccount>,
    ) -> Idempotent<ServiceAccount> {
        self.set_disabled(call, (id, false), request).await
    }

    async fn set_disabled(
        &self,
        call: &Call,
        (id, disabled): (&str, bool),
        request: &IdempotentCall<ServiceAccount>,
    ) -> Idempotent<ServiceAccount> {
        let mut violations = Violations::default();
        let id = violations.take("id", ServiceAccountId::parse(id));
        let id = violations.check(id)?;
        let (open, mut account) = self.begin_on(call, id, request).await?;
        if account.set_disabled(disabled, call.now) {
            let tx = open.tx.as_ref();
            store_account(tx, &account).await?;
            let kind = if disabled { AuditType::ServiceAccountDisabled } else { AuditType::ServiceAccountEnabled };
            self.trail.record(tx, call.event(kind).on(id), call.now).await?;
        }
        open.finish(account).await
    }
}
