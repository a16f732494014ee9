use async_trait::async_trait;

use super::StoreResult;
use crate::domain::Timestamp;

/// A secret as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSecret {
    /// Its name.
    pub name: String,
    /// The secret, sealed.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub create_time: Timestamp,
}

/// Secrets of the installation, shared by all replicas, sealed under the master key.
#[async_trait]
pub trait ServerSecrets: Send + Sync {
    /// All of them, in the order of their times.
    async fn list_server_secrets(&self) -> StoreResult<Vec<StoredSecret>>;

    /// Stores a secret, unless there is one of this name.
    async fn insert_server_secret(&self, secret: &StoredSecret) -> StoreResult<()>;

    /// Erases the secret of this name.
    async fn delete_server_secret(&self, name: &str) -> StoreResult<()>;
}
