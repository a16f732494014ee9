use async_trait::async_trait;

use super::StoreResult;
use crate::domain::Timestamp;
use crate::domain::account::email::EmailAddress;
use crate::domain::account::user::User;
use crate::domain::account::username::Username;
use crate::domain::id::UserId;
use crate::domain::listing::user_filter::UserFilter;
use crate::domain::listing::user_order::Direction;

/// What became of an insert that names may stand in the way of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserInsert {
    /// The user is stored.
    Inserted,
    /// Another account has the address, or the username, or both; nothing was stored and the transaction continues.
    NameTaken,
}

/// The key of an order of people, and the place in it just after which a page begins; without one, a page begins at the
/// first.
#[derive(Clone, PartialEq, Eq)]
pub enum UserCursor {
    /// In the order of times of creation, and of ids where times are equal: the time and the id before.
    CreateTime(Option<(Timestamp, UserId)>),
    /// In the order of canonical addresses, by their bytes: the address before.
    Email(Option<String>),
}

/// A page of a list of people.
#[derive(Clone)]
pub struct UserQuery {
    /// Who is in the list.
    pub filter: UserFilter,
    /// Where the page begins, in which order.
    pub cursor: UserCursor,
    /// Which end of the order comes first.
    pub direction: Direction,
    /// The most people on the page.
    pub limit: i64,
}

/// People. Addresses and usernames are compared in their canonical form and are unique among all accounts, deleted
/// ones included.
#[async_trait]
pub trait Users: Send + Sync {
    /// The person with this id.
    async fn find_user(&self, id: UserId) -> StoreResult<Option<User>>;

    /// The person with this address.
    async fn find_by_email(&self, email: &EmailAddress) -> StoreResult<Option<User>>;

    /// The person with this username.
    async fn find_by_username(&self, username: &Username) -> StoreResult<Option<User>>;

    /// The person with this id, whom no other transaction changes or gets in this way until this one ends.
    async fn lock_user(&self, id: UserId) -> StoreResult<Option<User>>;

    /// Those people with one of these ids who are there, each once and in no order: one query.
    async fn find_users(&self, ids: &[UserId]) -> StoreResult<Vec<User>>;

    /// A page of people, in order. A role that does not exist is one that nobody has.
    async fn list_users(&self, query: &UserQuery) -> StoreResult<Vec<User>>;

    /// Stores a new person.
    async fn insert_user(&self, user: &User) -> StoreResult<UserInsert>;

    /// Stores a changed person whose entity grew from the stored revision `user.revision - 1`. Whether it did: `false`
    /// means somebody else was faster, and nothing was stored. A name that somebody else has is a
    /// conflict.
    async fn update_user(&self, user: &User) -> StoreResult<bool>;

    /// Erases up to `limit` deleted people whose time to be erased has come. Who they were.
    async fn purge_users(&self, now: Timestamp, limit: i64) -> StoreResult<Vec<UserId>>;

    /// Erases a person with all that belongs to them: password, sessions, mailed tokens and grants.
    async fn erase_user(&self, id: UserId, now: Timestamp) -> StoreResult<()>;

    /// Records the time of a sign-in, without a new revision.
    async fn record_login(&self, id: UserId, time: Timestamp) -> StoreResult<()>;
}
