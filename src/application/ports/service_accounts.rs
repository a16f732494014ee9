use async_trait::async_trait;

use super::StoreResult;
use crate::domain::Timestamp;
use crate::domain::account::service_account::ServiceAccount;
use crate::domain::id::ServiceAccountId;
use crate::domain::name::Name;

/// Service accounts. Names are unique.
#[async_trait]
pub trait ServiceAccounts: Send + Sync {
    /// The account with this id.
    async fn find_service_account(&self, id: ServiceAccountId) -> StoreResult<Option<ServiceAccount>>;

    /// The account with this id, which no other transaction changes or gets in this way until this one ends.
    async fn lock_service_account(&self, id: ServiceAccountId) -> StoreResult<Option<ServiceAccount>>;

    /// A page of accounts in the order of their names, after a name.
    async fn list_service_accounts(&self, after: Option<&Name>, limit: i64) -> StoreResult<Vec<ServiceAccount>>;

    /// How many accounts there are.
    async fn count_service_accounts(&self) -> StoreResult<i64>;

    /// Stores a new account. Whether it did: `false` means the name is taken, and the transaction continues.
    async fn insert_service_account(&self, account: &ServiceAccount) -> StoreResult<bool>;

    /// Stores a changed account whose entity grew from the stored revision `account.revision - 1`. Whether it did. A name
    /// that another account has is a conflict. The tokens of one that is disabled are void.
    async fn update_service_account(&self, account: &ServiceAccount) -> StoreResult<bool>;

    /// Erases an account with its keys and grants, and voids its tokens.
    async fn remove_service_account(&self, id: ServiceAccountId, now: Timestamp) -> StoreResult<()>;
}
