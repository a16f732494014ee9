use super::ServiceAccounts;
use super::subject::not_found;
use crate::application::error::{Result, Violations};
use crate::domain::id::ServiceAccountId;
use crate::domain::service_account::ServiceAccount;

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
