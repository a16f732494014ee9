use uuid::Uuid;

use super::ServiceAccounts;
use super::subject::not_found;
use crate::application::error::{Refusal, Result, Violations};
use crate::application::page::PageRequest;
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

/// A page of API keys, newest first.
#[derive(Debug)]
pub struct ApiKeyPage {
    /// The keys.
    pub keys: Vec<ApiKey>,
    /// The token of the next page, or empty.
    pub next_page_token: String,
}

impl ServiceAccounts {
    /// Lists the API keys of a service account, newest first.
    pub async fn list_api_keys(&self, command: &ListApiKeys) -> Result<ApiKeyPage> {
        let size = command.page.size()?;
        let mut violations = Violations::default();
        let id = violations.take("service_account_id", ServiceAccountId::parse(&command.service_account_id));
        let id = violations.check(id)?;
        let list = format!("API keys/{id}");
        let after = match self.page_tokens.decode(&list, &command.page.token)? {
            Some(bytes) => Some(read_position(&bytes).ok_or(Refusal::PageTokenInvalid)?),
            None => None,
        };
        let mut tx = self.store.read().await?;
        tx.service_accounts().find_service_account(id).await?.ok_or_else(|| not_found(id))?;
        let keys = tx.api_keys().list_api_keys(id, (after, size + 1)).await?;
        let position = |last: &ApiKey| last.id.as_uuid().as_bytes().to_vec();
        let (keys, next_page_token) = self.page_tokens.cut(keys, size, &list, position);
        Ok(ApiKeyPage { keys, next_page_token })
    }
}

fn read_position(bytes: &[u8]) -> Option<ApiKeyId> {
    Some(ApiKeyId::from_uuid(Uuid::from_slice(bytes).ok()?))
}
