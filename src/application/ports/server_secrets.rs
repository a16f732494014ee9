use async_trait::async_trait;

use super::StoreResult;
use crate::domain::Timestamp;

/// Secrets of the installation, made once and shared by all replicas, sealed under the master key.
#[async_trait]
pub trait ServerSecrets: Send {
    /// The sealed secret of this name.
    async fn find_server_secret(&mut self, name: &str) -> StoreResult<Option<Vec<u8>>>;

    /// Stores a sealed secret, unless there is one of this name.
    async fn insert_server_secret(&mut self, name: &str, sealed: &[u8], now: Timestamp) -> StoreResult<()>;
}
