use async_trait::async_trait;

use super::StoreResult;
use crate::domain::Timestamp;
use crate::domain::credential::password::PasswordHash;
use crate::domain::id::UserId;

/// A person's password as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordCredential {
    /// Whose it is.
    pub user_id: UserId,
    /// The hash.
    pub hash: PasswordHash,
    /// How many attempts failed since the last success.
    pub failures: i32,
}

/// Passwords: at most one for each person.
#[async_trait]
pub trait Credentials: Send {
    /// The person's password.
    async fn find_password(&mut self, user_id: UserId) -> StoreResult<Option<PasswordCredential>>;

    /// Stores a new password in place of any other, and forgets the failures.
    async fn put_password(&mut self, user_id: UserId, hash: &PasswordHash, now: Timestamp) -> StoreResult<()>;

    /// Takes the person's password away.
    async fn drop_password(&mut self, user_id: UserId) -> StoreResult<()>;

    /// Replaces the hash of the same password by a stronger one, unless the password was replaced meanwhile.
    async fn upgrade_hash(&mut self, user_id: UserId, old: &PasswordHash, new: &PasswordHash) -> StoreResult<bool>;

    /// Counts a failed attempt; atomic. How many there are now: zero, at the same cost, for an id without a password.
    async fn count_failure(&mut self, user_id: UserId) -> StoreResult<i32>;

    /// Forgets the failures.
    async fn forget_failures(&mut self, user_id: UserId) -> StoreResult<()>;
}
