use super::ServiceAccounts;
use crate::application::access::source::Source;
use crate::application::call::Call;
use crate::application::error::{Error, Refusal, Result};
use crate::application::idempotency::{Exit, IdempotentCall, OpenCall};
use crate::application::ports::{StoreError, Transaction};
use crate::domain::account::service_account::ServiceAccount;
use crate::domain::id::{ApiKeyId, ServiceAccountId};

impl ServiceAccounts {
    /// Begins a change of an account or its keys, unless the caller made the same call before. Nobody else changes the
    /// account until it ends.
    pub(super) async fn begin_on<'c, T>(
        &self,
        call: &Call,
        id: ServiceAccountId,
        request: &'c IdempotentCall<T>,
    ) -> std::result::Result<(OpenCall<'c, T>, ServiceAccount), Exit> {
        let open = self.idempotency.open(call, request).await?;
        let account = open.tx.service_accounts().lock_service_account(id).await?;
        let account = account.ok_or_else(|| not_found(id))?;
        Source::Transaction(open.tx.as_ref()).require_power_over(call.caller()?, id.into()).await?;
        Ok((open, account))
    }
}

/// Stores a changed account, unless another one has its name.
pub(super) async fn store_account(tx: &dyn Transaction, account: &ServiceAccount) -> Result<()> {
    match tx.service_accounts().update_service_account(account).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::Contention("the service account was changed by another transaction".into())),
        Err(StoreError::Conflict(_)) => Err(Refusal::NameTaken.into()),
        Err(error) => Err(error.into()),
    }
}

/// There is no such account.
pub(super) fn not_found(id: ServiceAccountId) -> Refusal {
    Refusal::NotFound { resource: "ServiceAccount", name: id.to_string() }
}

/// There is no such key.
pub(super) fn key_not_found(id: ApiKeyId) -> Refusal {
    Refusal::NotFound { resource: "ApiKey", name: id.to_string() }
}
