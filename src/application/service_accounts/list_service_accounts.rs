use super::ServiceAccounts;
use crate::application::error::Result;
use crate::application::page::{Page, PageRequest};
use crate::domain::account::service_account::ServiceAccount;
use crate::domain::name::Name;

impl ServiceAccounts {
    /// Lists service accounts.
    pub async fn list_service_accounts(&self, page: &PageRequest) -> Result<Page<ServiceAccount>> {
        let page = self.page_tokens.open("service accounts", page, Name::from_bytes)?;
        let tx = self.store.read().await?;
        let accounts = tx.service_accounts().list_service_accounts(page.after.as_ref(), page.limit()).await?;
        Ok(page.finish(accounts, |last| last.name.as_str().as_bytes().to_vec()))
    }
}
