use async_trait::async_trait;
use uuid::Uuid;

use super::StoreResult;
use crate::domain::Timestamp;
use crate::domain::id::RequestId;
use crate::domain::secret::Digest;

/// What names a call: ids are the caller's own choice, so two callers may choose the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestKey {
    /// The caller: the id of a person or a service account.
    pub caller_id: Uuid,
    /// The id that the caller gave the call.
    pub request_id: RequestId,
}

/// What is on record of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnsweredRequest {
    /// Stands for the method and all that the request said.
    pub digest: Digest,
    /// The answer, sealed.
    pub sealed: Vec<u8>,
}

/// Requests that changed something, and their answers, so that a duplicate changes nothing and is answered alike (AIP-155).
#[async_trait]
pub trait AnsweredRequests: Send + Sync {
    /// Takes a call on record that is not, or not since `forget_before`. Whether it did. Of parallel requests with one
    /// key, one does and the others wait for its transaction: `false` then means that it was committed.
    async fn claim_request(
        &self,
        key: RequestKey,
        digest: &Digest,
        now: Timestamp,
        forget_before: Timestamp,
    ) -> StoreResult<bool>;

    /// Adds the answer to a call that this transaction took on record.
    async fn put_answer(&self, key: RequestKey, sealed: &[u8]) -> StoreResult<()>;

    /// What is on record of a call that was answered, unless that was before `forget_before`.
    async fn find_answer(&self, key: RequestKey, forget_before: Timestamp) -> StoreResult<Option<AnsweredRequest>>;

    /// Erases up to `limit` requests from before `before`. How many.
    async fn purge_answers(&self, before: Timestamp, limit: i64) -> StoreResult<usize>;
}
