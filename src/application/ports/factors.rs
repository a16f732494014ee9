use std::collections::HashSet;

use async_trait::async_trait;

use super::StoreResult;
use crate::domain::Timestamp;
use crate::domain::credential::factor::{Enrolment, Factor};
use crate::domain::credential::password::PasswordHash;
use crate::domain::id::{FactorId, UserId};

/// How an accepted assertion changes a passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasskeyUse {
    /// The counter that the assertion was compared with.
    pub expected_count: u32,
    /// The counter that it had.
    pub new_count: u32,
    /// Whether the credential is backed up now.
    pub backed_up: bool,
}

/// Second factors of people, and those that are being enrolled.
#[async_trait]
pub trait Factors: Send + Sync {
    /// A person's factors, in the order in which they were enrolled.
    async fn list_factors(&self, user_id: UserId) -> StoreResult<Vec<Factor>>;

    /// The factors of up to a few hundred people, person by person: for exports.
    async fn list_factors_of(&self, user_ids: &[UserId]) -> StoreResult<Vec<Factor>>;

    /// The factor with this id, if it is this person's.
    async fn find_factor(&self, user_id: UserId, id: FactorId) -> StoreResult<Option<Factor>>;

    /// The passkey with this credential id, whoever has it.
    async fn find_passkey(&self, credential_id: &[u8]) -> StoreResult<Option<Factor>>;

    /// Stores a new factor. Whether it did: `false` means that somebody has a passkey with this credential id, and the
    /// transaction continues.
    async fn insert_factor(&self, factor: &Factor) -> StoreResult<bool>;

    /// Stores new factors and recovery codes of theirs. How many factors it stored: those are left out that are passkeys with
    /// a credential id that somebody has.
    async fn insert_factors(&self, factors: &[Factor], codes: &[(FactorId, PasswordHash)]) -> StoreResult<usize>;

    /// Those of up to some thousand credential ids that somebody has a passkey with.
    async fn find_taken_credentials(&self, ids: &[&[u8]]) -> StoreResult<HashSet<Vec<u8>>>;

    /// Stores a new name, if the factor grew from the stored revision `factor.revision - 1`. Whether it did.
    async fn rename_factor(&self, factor: &Factor) -> StoreResult<bool>;

    /// Erases a factor of a person, with its recovery codes. Whether there was one.
    async fn delete_factor(&self, user_id: UserId, id: FactorId) -> StoreResult<bool>;

    /// Erases all factors and enrolments of a person. How many factors there were.
    async fn delete_factors(&self, user_id: UserId) -> StoreResult<usize>;

    /// Takes the code of a step of a TOTP factor that is not disabled, and forgets its failures: only if no code of this
    /// step or a later one was taken before. Of several parallel uses exactly one is taken.
    async fn take_totp_step(&self, id: FactorId, step: i64, now: Timestamp) -> StoreResult<bool>;

    /// Takes an assertion of a passkey that is not disabled, and forgets its failures: only if its counter is still the
    /// one that the assertion was compared with. So of several parallel uses with a counter that grew exactly one is taken;
    /// an authenticator that does not count is held back by what it was asked to sign alone.
    async fn take_assertion(&self, id: FactorId, use_: PasskeyUse, now: Timestamp) -> StoreResult<bool>;

    /// Puts the hashes of new recovery codes in the place of any others of a factor. Its failures stay.
    async fn put_recovery_codes(&self, id: FactorId, hashes: &[PasswordHash]) -> StoreResult<()>;

    /// The hash of any recovery code of a factor that is left: all have the same salt.
    async fn any_recovery_code(&self, id: FactorId) -> StoreResult<Option<PasswordHash>>;

    /// The hashes of the recovery codes that are left of up to a few hundred factors.
    async fn list_recovery_codes(&self, ids: &[FactorId]) -> StoreResult<Vec<(FactorId, PasswordHash)>>;

    /// Takes a recovery code of a factor that is not disabled, and forgets its failures: of several parallel uses exactly
    /// one is taken.
    async fn take_recovery_code(&self, id: FactorId, hash: &PasswordHash, now: Timestamp) -> StoreResult<bool>;

    /// Counts a failed attempt; atomic. How many there are now: zero for an id that no factor has.
    async fn count_factor_failure(&self, id: FactorId) -> StoreResult<i32>;

    /// Stores an enrolment, in the place of any other one of the person with this kind.
    async fn put_enrolment(&self, enrolment: &Enrolment) -> StoreResult<()>;

    /// A person's enrolments that may still be completed.
    async fn list_enrolments(&self, user_id: UserId, now: Timestamp) -> StoreResult<Vec<Enrolment>>;

    /// Counts a wrong code for an enrolment; atomic. How many there are now: zero for an id that no enrolment has.
    async fn count_enrolment_failure(&self, id: FactorId) -> StoreResult<i32>;

    /// Erases an enrolment of a person. Whether there was one: of several parallel attempts exactly one hears so.
    async fn delete_enrolment(&self, user_id: UserId, id: FactorId) -> StoreResult<bool>;

    /// Erases up to `limit` enrolments that expired before `before`. How many.
    async fn purge_enrolments(&self, before: Timestamp, limit: i64) -> StoreResult<usize>;
}
