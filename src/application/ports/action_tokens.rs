use async_trait::async_trait;

use super::StoreResult;
use crate::domain::Timestamp;
use crate::domain::account::email::EmailAddress;
use crate::domain::id::UserId;
use crate::domain::secret::Digest;
use crate::domain::token::action_token::{ActionPurpose, ActionToken};

/// What a token allowed that was taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumedToken {
    /// To whom.
    pub user_id: UserId,
    /// Which address to take, for `ChangeEmail`.
    pub new_email: Option<EmailAddress>,
}

/// A token that was mailed and not used, without what it is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingToken {
    /// What it allows.
    pub purpose: ActionPurpose,
    /// Which address to take, for `ChangeEmail`.
    pub new_email: Option<EmailAddress>,
    /// When it was made.
    pub create_time: Timestamp,
    /// When it expires.
    pub expire_time: Timestamp,
}

/// Mailed tokens, at most one for each person and purpose.
#[async_trait]
pub trait ActionTokens: Send + Sync {
    /// Stores a token in place of the person's earlier one for the same purpose.
    async fn put_action_token(&self, token: &ActionToken) -> StoreResult<()>;

    /// Whose token this is, if it is for the purpose and has not expired; it stays usable.
    async fn find_action_token(
        &self,
        digest: &Digest,
        purpose: ActionPurpose,
        now: Timestamp,
    ) -> StoreResult<Option<UserId>>;

    /// Takes a token out, if it is for the purpose and has not expired: of several parallel attempts exactly one gets it.
    async fn consume_action_token(
        &self,
        digest: &Digest,
        purpose: ActionPurpose,
        now: Timestamp,
    ) -> StoreResult<Option<ConsumedToken>>;

    /// What the person's tokens are for that were not used, in the order of the times they were made; expired ones
    /// included.
    async fn pending_action_tokens(&self, user_id: UserId) -> StoreResult<Vec<PendingToken>>;

    /// Takes out the person's token for a purpose, whatever it is.
    async fn drop_action_token(&self, user_id: UserId, purpose: ActionPurpose) -> StoreResult<()>;

    /// Takes out all of the person's tokens.
    async fn drop_action_tokens(&self, user_id: UserId) -> StoreResult<()>;

    /// Erases up to `limit` tokens that expired before `before`. How many.
    async fn purge_action_tokens(&self, before: Timestamp, limit: i64) -> StoreResult<usize>;
}
