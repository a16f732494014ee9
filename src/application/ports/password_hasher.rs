use async_trait::async_trait;

use super::Cause;
use crate::domain::credential::password::{NewPassword, Password, PasswordHash, PasswordRejected};
use crate::domain::text::InvalidText;

/// Whether a password belongs to a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// It does not.
    Mismatch,
    /// It does.
    Match,
    /// It does, and the hash is weaker than new ones, or another system made it: replace it.
    MatchOutdated,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// More work is waiting than can be done in time; nothing was done.
    #[error("the hashing lane is full")]
    Overloaded,
    /// The stored hash is not one this service takes, or hashing failed.
    #[error("the password could not be hashed")]
    Failed(#[source] Cause),
}

/// Why a hash that was made elsewhere is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashRefused {
    /// Empty, longer than 512 bytes, or with U+0000 in it.
    #[error(transparent)]
    Text(#[from] InvalidText),
    /// Of no format that is supported.
    #[error("is of no hash format that Ipse takes; without one, the person chooses a password by a reset")]
    Format,
    /// Of a supported format, but not as its makers write it.
    #[error("is malformed")]
    Malformed,
    /// Of a kind that is as good as the password itself to whoever reads the database.
    #[error("is too weak to be kept; without one, the person chooses a password by a reset")]
    Weak,
    /// So costly that computing it would be an attack.
    #[error("costs more than is allowed")]
    Cost,
    /// Of a kind that this service does not make, where only its own are taken.
    #[error("is not as Ipse makes them")]
    Foreign,
    /// Hashed in another way or with another salt than those that it came with, or the same as one of them.
    #[error("must differ from the others in nothing but the tag")]
    Salt,
}

/// The slow hash of passwords. No hash to compare with costs the same as one of today; one that is weaker, or that
/// another system made, costs what its maker chose. Dropping the future gives the place in the queue back.
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// Decides about a new password and hashes it: both take more than a call may compute by itself. With an earlier hash
    /// that this service made, the same password gives that hash again, at its cost.
    async fn hash_new(
        &self,
        new: &NewPassword,
        earlier: Option<&PasswordHash>,
    ) -> Result<Result<PasswordHash, PasswordRejected>, HashError>;

    /// Hashes a password once more.
    async fn hash(&self, password: &Password) -> Result<PasswordHash, HashError>;

    /// Hashes a password as another one was hashed by this service: with the same parameters and the same salt. Of several
    /// secrets that were hashed alike, one computation finds the one that is presented: the same secret has the same hash.
    async fn hash_like(&self, password: &Password, like: &PasswordHash) -> Result<PasswordHash, HashError>;

    /// Compares a password with a hash; without a hash, does the same work and answers `Mismatch`. A password that did not
    /// come in Normalization Form C is compared in both forms, whatever the hash is and whatever comes of the first: that
    /// it takes twice the work tells of the password alone.
    async fn verify(&self, password: &Password, hash: Option<&PasswordHash>) -> Result<Verification, HashError>;

    /// Takes in a hash that was made elsewhere, as it is, if it can be verified at a cost that is allowed. Computes
    /// nothing.
    fn accept(&self, text: &str) -> Result<PasswordHash, HashRefused>;

    /// Takes in hashes of different secrets that this service, at any installation, made with `hash_like`. Computes nothing.
    fn accept_alike(&self, texts: &[&str]) -> Result<Vec<PasswordHash>, HashRefused>;
}
