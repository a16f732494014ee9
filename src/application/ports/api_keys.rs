use async_trait::async_trait;

use super::StoreResult;
use crate::domain::Timestamp;
use crate::domain::account::service_account::ServiceAccount;
use crate::domain::credential::api_key::ApiKey;
use crate::domain::id::{ApiKeyId, ServiceAccountId};

/// API keys of service accounts.
#[async_trait]
pub trait ApiKeys: Send + Sync {
    /// The key with this id, whatever became of it, and its account: one query.
    async fn find_api_key_with_account(&self, id: ApiKeyId) -> StoreResult<Option<(ApiKey, ServiceAccount)>>;

    /// A page of the keys of an account, newest first, after one of them.
    async fn list_api_keys(
        &self,
        account_id: ServiceAccountId,
        page: (Option<ApiKeyId>, i64),
    ) -> StoreResult<Vec<ApiKey>>;

    /// How many keys of an account are neither revoked nor expired at `now`.
    async fn count_live_api_keys(&self, account_id: ServiceAccountId, now: Timestamp) -> StoreResult<i64>;

    /// Stores a new key.
    async fn insert_api_key(&self, key: &ApiKey) -> StoreResult<()>;

    /// Revokes a key and the tokens it was exchanged for. Whether it was not revoked before.
    async fn revoke_api_key(&self, id: ApiKeyId, now: Timestamp) -> StoreResult<bool>;

    /// Writes down that a key was used at `time`, unless a use from after `news_after` is on record. Whether it did.
    async fn record_api_key_use(&self, id: ApiKeyId, time: Timestamp, news_after: Timestamp) -> StoreResult<bool>;

    /// Erases up to `limit` keys that were revoked or expired before `before`. How many.
    async fn purge_api_keys(&self, before: Timestamp, limit: i64) -> StoreResult<usize>;
}
