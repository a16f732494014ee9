use super::ServiceAccounts;
use crate::application::error::{Refusal, Result};
use crate::application::page::PageRequest;
use crate::domain::account::service_account::ServiceAccount;
use crate::domain::name::Name;

/// A page of service accounts in the order of their names.
#[derive(Debug)]
pub struct ServiceAccountPage {
    /// The accounts.
    pub accounts: Vec<ServiceAccount>,
    /// The token of the next page, or empty.
    pub next_page_token: String,
}

impl ServiceAccounts {
    /// Lists service accounts.
    pub async fn list_service_accounts(&self, page: &PageRequest) -> Result<ServiceAccountPage> {
        const LIST: &str = "service accounts";
        let size = page.size()?;
        let after = match self.page_tokens.decode(LIST, &page.token)? {
            Some(bytes) => Some(read_position(&bytes).ok_or(Refusal::PageTokenInvalid)?),
            None => None,
        };
        let mut tx = self.store.read().await?;
        let accounts = tx.service_accounts().list_service_accounts(after.as_ref(), size + 1).await?;
        let position = |last: &ServiceAccount| last.name.as_str().as_bytes().to_vec();
        let (accounts, next_page_token) = self.page_tokens.cut(accounts, size, LIST, position);
        Ok(ServiceAccountPage { accounts, next_page_token })
    }
}

fn read_position(bytes: &[u8]) -> Option<Name> {
    Name::parse(std::str::from_utf8(bytes).ok()?).ok()
}
