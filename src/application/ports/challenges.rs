use async_trait::async_trait;

use super::StoreResult;
use crate::domain::Timestamp;
use crate::domain::id::UserId;
use crate::domain::secret::Digest;
use crate::domain::session::challenge::Challenge;

/// Sign-ins that wait for their next proof. When the sessions of a person end all at once, so do the person's challenges.
///
/// Whoever ends sessions has the person's row locked. Who answers a challenge locks it too, before the challenge is changed or
/// erased: in another order, the two could deadlock.
#[async_trait]
pub trait Challenges: Send + Sync {
    /// The challenge with this digest, if it may still be answered at `now`.
    async fn find_challenge(&self, digest: &Digest, now: Timestamp) -> StoreResult<Option<Challenge>>;

    /// Stores a new challenge.
    async fn insert_challenge(&self, challenge: &Challenge) -> StoreResult<()>;

    /// Stores what an authenticator is asked to sign, in the place of anything it was asked before. Whether there is such
    /// a challenge.
    async fn put_webauthn_challenge(&self, digest: &Digest, challenge: &[u8; 32]) -> StoreResult<bool>;

    /// Takes out what an authenticator was asked to sign, if it is still this: of several parallel uses exactly one gets
    /// it.
    async fn take_webauthn_challenge(&self, digest: &Digest, challenge: &[u8; 32]) -> StoreResult<bool>;

    /// Counts a wrong answer; atomic. How many there are now: zero if there is no such challenge.
    async fn count_challenge_failure(&self, digest: &Digest) -> StoreResult<i32>;

    /// Erases a challenge. Whether there was one: of several parallel answers exactly one hears so.
    async fn delete_challenge(&self, digest: &Digest) -> StoreResult<bool>;

    /// Erases all challenges of a person.
    async fn delete_challenges(&self, user_id: UserId) -> StoreResult<()>;

    /// Erases up to `limit` challenges that expired before `before`. How many.
    async fn purge_challenges(&self, before: Timestamp, limit: i64) -> StoreResult<usize>;
}
