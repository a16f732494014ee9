use std::collections::HashSet;

use async_trait::async_trait;

use super::StoreResult;
use crate::domain::account::user::User;
use crate::domain::account::user_record::UserRecord;
use crate::domain::credential::password::PasswordHash;
use crate::domain::id::UserId;

/// A person with the password hash, as they are stored.
pub type StoredUser = (User, Option<PasswordHash>);

/// Many people at a time, in a few statements.
#[async_trait]
pub trait BulkUsers: Send + Sync {
    /// Stores 1 to 500 new people with different ids, and their passwords, except for those whose id, address or username somebody has who is
    /// stored already or stands before them. Who is stored now; the transaction continues.
    async fn insert_records(&self, records: &[&UserRecord]) -> StoreResult<HashSet<UserId>>;

    /// Which of at most 500 ids no person may be given: those of service accounts, and of subjects that were erased.
    async fn find_used_ids(&self, ids: &[UserId]) -> StoreResult<HashSet<UserId>>;

    /// Everybody who has the id, the address or the username of one of at most 500 people.
    async fn find_rivals(&self, users: &[&User]) -> StoreResult<Vec<StoredUser>>;

    /// The same people in the same order with the hashes of their passwords.
    async fn with_hashes(&self, users: Vec<User>) -> StoreResult<Vec<StoredUser>>;
}
