use uuid::Uuid;

use super::ServiceAccounts;
use super::subject::not_found;
use crate::application::error::{Result, Violations};
use crate::application::page::{Page, PageRequest};
use crate::domain::credential::api_key::ApiKey;
use crate::domain::id::{ApiKeyId, ServiceAccountId};

/// Whose API keys to list.
#[derive(Debug, Clone, Default)]
pub struct ListApiKeys {
    /// Whose.
    pub service_account_id: String,
    /// Which page.
    pub page: PageRequest,
}

impl ServiceAccounts {
    /// Lists the API keys of a service account, newest first.
    pub async fn list_api_keys(&self, command: &ListApiKeys) -> Result<Page<ApiKey>> {
        command.page.size()?;
        let mut violations = Violations::default();
        let id = violations.take("service_account_id", ServiceAccountId::parse(&command.service_account_id));
        let id = violations.check(id)?;
        let page = self.page_tokens.open(format!("API keys/{id}"), &command.page, |bytes| {
            Some(ApiKeyId::from_uuid(Uuid::from_slice(bytes).ok()?))
        })?;
        let tx = self.store.read().await?;
        tx.service_accounts().find_service_account(id).await?.ok_or_else(|| not_found(id))?;
        let keys = tx.api_keys().list_api_keys(id, (page.after, page.limit())).await?;
        Ok(page.finish(keys, |last| last.id.as_uuid().as_bytes().to_vec()))
    }
}
