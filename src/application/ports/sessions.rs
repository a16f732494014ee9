use async_trait::async_trait;

use super::StoreResult;
use crate::domain::Timestamp;
use crate::domain::account::user::User;
use crate::domain::id::{SessionId, UserId};
use crate::domain::secret::Digest;
use crate::domain::session::client::Client;
use crate::domain::session::{EndReason, Session};

/// A place in a list of sessions, newest first: just after this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionPosition {
    /// When the session before began.
    pub create_time: Timestamp,
    /// Its id, where times are equal.
    pub id: SessionId,
}

/// Sessions. A session is live while it has not ended and neither its absolute nor its idle time has passed. Each end of a
/// live session is also an access change.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// The session with this id, live or not.
    async fn find_session(&self, id: SessionId) -> StoreResult<Option<Session>>;

    /// The session with this id, live or not, and its user: one query.
    async fn find_session_with_user(&self, id: SessionId) -> StoreResult<Option<(Session, User)>>;

    /// Stores a new session.
    async fn insert_session(&self, session: &Session) -> StoreResult<()>;

    /// Stores the refresh state, the level and the times of `session`, if its live token is still `expected` and it has not
    /// ended. Whether it did; of several parallel attempts exactly one does.
    async fn rotate_session(&self, session: &Session, expected: &Digest) -> StoreResult<bool>;

    /// Ends a session. Whether it was live at `now`.
    async fn end_session(&self, id: SessionId, reason: EndReason, now: Timestamp) -> StoreResult<bool>;

    /// Ends all live sessions of a person but one, and erases all challenges of the person. How many sessions were live at
    /// `now`.
    async fn end_sessions(
        &self,
        user_id: UserId,
        except: Option<SessionId>,
        end: (Timestamp, EndReason),
    ) -> StoreResult<usize>;

    /// Ends the oldest live sessions of a person beyond the newest `keep`.
    async fn evict_sessions(&self, user_id: UserId, keep: i64, now: Timestamp) -> StoreResult<usize>;

    /// Ends up to `limit` live sessions of people whose address is not proven, and erases all challenges of such people. How
    /// many sessions.
    async fn end_unproven_sessions(&self, end: (Timestamp, EndReason), limit: i64) -> StoreResult<usize>;

    /// A page of all that is on record of a person's sessions, live or not, newest first, after a position.
    async fn list_all_sessions(
        &self,
        user_id: UserId,
        page: (Option<SessionPosition>, i64),
    ) -> StoreResult<Vec<Session>>;

    /// A page of a person's live sessions, newest first, after a position.
    async fn list_sessions(
        &self,
        user_id: UserId,
        now: Timestamp,
        page: (Option<SessionPosition>, i64),
    ) -> StoreResult<Vec<Session>>;

    /// Where the newest `limit` sessions of a person came from, live or over. Those that somebody ended for a reason of
    /// distrust do not count: only those that the person signed out of, that made room, or that time ended.
    async fn known_clients(&self, user_id: UserId, limit: i64) -> StoreResult<Vec<Client>>;

    /// Erases up to `limit` sessions that were over before `before`. How many.
    async fn purge_sessions(&self, before: Timestamp, limit: i64) -> StoreResult<usize>;
}
