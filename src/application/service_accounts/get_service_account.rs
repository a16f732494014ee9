use super::ServiceAccounts;
use super::subject::not_found;
use crate::application::error::{Result, Violations};
use crate::domain::account::service_account::ServiceAccount;
use crate::domain::id::ServiceAccountId;

impl ServiceAccounts {
    /// Tells a service account.
    pub async fn get_service_account(&self, id: &str) -> Result<ServiceAccount> {
        let mut violations = Violations::default();
        let id = violations.take("id", ServiceAccountId::parse(id));
        let id = violations.check(id)?;
        let found = self.store.read().await?.service_accounts().find_service_account(id).await?;
        found.ok_or_else(|| not_found(id).into())
    }
}
