use async_trait::async_trait;

use super::StoreResult;
use crate::domain::Timestamp;
use crate::domain::id::{MailId, UserId};

/// A mail that waits to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxEntry {
    /// Names the mail.
    pub id: MailId,
    /// Whom it is for; it is erased with them.
    pub user_id: Option<UserId>,
    /// Its kind, for metrics and the log.
    pub kind: String,
    /// The whole mail, sealed, as it carries an address and a token.
    pub sealed: Vec<u8>,
    /// When it was written.
    pub create_time: Timestamp,
    /// How many deliveries were tried.
    pub attempts: i32,
    /// When to try next.
    pub next_attempt_time: Timestamp,
}

/// Mail that waits to be sent. Written in the transaction of the change it tells of, erased when the server took it.
#[async_trait]
pub trait Outbox: Send {
    /// Adds a mail.
    async fn enqueue_mail(&mut self, entry: &OutboxEntry) -> StoreResult<()>;

    /// Takes up to `limit` mails that are due, oldest first, for this worker alone: their next attempt moves to
    /// `retry_time` and their count of attempts grows, so that a worker that dies loses none. No two workers get the
    /// same mail.
    async fn claim_mail(&mut self, now: Timestamp, retry_time: Timestamp, limit: i64) -> StoreResult<Vec<OutboxEntry>>;

    /// Erases a mail: it was sent, or is given up.
    async fn remove_mail(&mut self, id: MailId) -> StoreResult<()>;

    /// Moves the next attempt.
    async fn postpone_mail(&mut self, id: MailId, next_attempt_time: Timestamp) -> StoreResult<()>;

    /// When the next mail is due, if any waits.
    async fn next_mail_time(&mut self) -> StoreResult<Option<Timestamp>>;
}
