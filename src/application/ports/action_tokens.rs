use async_trait::async_trait;

use super::StoreResult;
use crate::domain::Timestamp;
use crate::domain::action_token::{ActionPurpose, ActionToken};
use crate::domain::email::EmailAddress;
use crate::domain::id::UserId;
use crate::domain::secret::Digest;

/// What a token allowed that was taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumedToken {
    /// To whom.
    pub user_id: UserId,
    /// Which address to take, for `ChangeEmail`.
    pub new_email: Option<EmailAddress>,
}

/// Mailed tokens, at most one for each person and purpose.
#[async_trait]
pub trait ActionTokens: Send {
    /// Stores a token in place of the person's earlier one for the same purpose.
    async fn put_action_token(&mut self, token: &ActionToken) -> StoreResult<()>;

    /// Whose token this is, if it is for the purpose and has not expired; it stays usable.
    async fn find_action_token(
        &mut self,
        digest: &Digest,
        purpose: ActionPurpose,
        now: Timestamp,
    ) -> StoreResult<Option<UserId>>;

    /// Takes a token out, if it is for the purpose and has not expired: of several parallel calls exactly one gets it.
    async fn consume_action_token(
        &mut self,
        digest: &Digest,
        purpose: ActionPurpose,
        now: Timestamp,
    ) -> StoreResult<Option<ConsumedToken>>;

    /// Takes out the person's token for a purpose, whatever it is.
    async fn drop_action_token(&mut self, user_id: UserId, purpose: ActionPurpose) -> StoreResult<()>;

    /// Takes out all of the person's tokens.
    async fn drop_action_tokens(&mut self, user_id: UserId) -> StoreResult<()>;

    /// Erases up to `limit` tokens that expired before `before`. How many.
    async fn purge_action_tokens(&mut self, before: Timestamp, limit: i64) -> StoreResult<usize>;
}
