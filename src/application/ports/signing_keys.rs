use async_trait::async_trait;

use super::StoreResult;
use crate::domain::Timestamp;
use crate::domain::token::signing_key::SigningKey;

/// Keys that sign access tokens.
#[async_trait]
pub trait SigningKeys: Send + Sync {
    /// All keys, first the one that begins to sign last.
    async fn list_signing_keys(&self) -> StoreResult<Vec<SigningKey>>;

    /// Stores a new key.
    async fn insert_signing_key(&self, key: &SigningKey) -> StoreResult<()>;

    /// Changes the three times of a key's life after it was made.
    async fn update_signing_key_times(&self, key: &SigningKey) -> StoreResult<()>;

    /// Erases the keys, with their private halves, that were dropped by `now`. How many.
    async fn purge_signing_keys(&self, now: Timestamp) -> StoreResult<usize>;

    /// Holds off other replicas that want to change keys or secrets, until this transaction ends.
    async fn lock_signing_keys(&self) -> StoreResult<()>;
}
