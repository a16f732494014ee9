use async_trait::async_trait;

use super::StoreResult;
use crate::domain::Timestamp;
use crate::domain::account::email::EmailAddress;
use crate::domain::account::username::Username;
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
pub trait Credentials: Send + Sync {
    /// The person's password.
    async fn find_password(&self, user_id: UserId) -> StoreResult<Option<PasswordCredential>>;

    /// The password of whoever has an address.
    async fn find_password_by_email(&self, email: &EmailAddress) -> StoreResult<Option<PasswordCredential>>;

    /// The password of whoever has a username.
    async fn find_password_by_username(&self, username: &Username) -> StoreResult<Option<PasswordCredential>>;

    /// Stores a new password in place of any other, and forgets the failures.
    async fn put_password(&self, user_id: UserId, hash: &PasswordHash, now: Timestamp) -> StoreResult<()>;

    /// Takes the person's password away.
    async fn drop_password(&self, user_id: UserId) -> StoreResult<()>;

    /// Replaces the hash of the same password by a stronger one, unless the password was replaced meanwhile.
    async fn upgrade_hash(&self, user_id: UserId, old: &PasswordHash, new: &PasswordHash) -> StoreResult<bool>;

    /// Counts a failed attempt; atomic. How many there are now: zero, at the same cost, for an id without a password.
    async fn count_failure(&self, user_id: UserId) -> StoreResult<i32>;

    /// Forgets the failures.
    async fn forget_failures(&self, user_id: UserId) -> StoreResult<()>;
}
