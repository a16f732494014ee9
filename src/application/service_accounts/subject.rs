use super::ServiceAccounts;
use crate::application::caller::Caller;
use crate::application::error::{Error, Refusal, Result};
use crate::application::ports::{StoreError, Transaction};
use crate::application::repeat::{Begun, Repeatable, Work};
use crate::application::rights;
use crate::domain::id::{ApiKeyId, ServiceAccountId};
use crate::domain::service_account::ServiceAccount;

impl ServiceAccounts {
    /// Begins a change of an account or its keys, unless the caller made the same call before. Nobody else changes the
    /// account until it ends.
    pub(super) async fn begin_on<T>(
        &self,
        caller: &Caller,
        id: ServiceAccountId,
        call: &Repeatable<T>,
    ) -> Result<Begun<(Work, ServiceAccount)>> {
        let mut work = match self.repeats.begin(caller.subject(), call).await? {
            Begun::New(work) => work,
            Begun::Repeated(answer) => return Ok(Begun::Repeated(answer)),
        };
        let account = work.tx.service_accounts().lock_service_account(id).await?;
        let account = account.ok_or_else(|| not_found(id))?;
        rights::require_power_over(work.tx.as_mut(), caller, id.into()).await?;
        Ok(Begun::New((work, account)))
    }
}

/// Stores a changed account, unless another one has its name.
pub(super) async fn save(tx: &mut dyn Transaction, account: &ServiceAccount) -> Result<()> {
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
