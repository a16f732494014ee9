use async_trait::async_trait;

use super::Cause;
use crate::domain::password::{Password, PasswordHash};

/// Whether a password belongs to a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// It does not.
    Mismatch,
    /// It does.
    Match,
    /// It does, and the hash is weaker than new ones: replace it.
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

/// The slow hash of passwords. Each call costs the same, whether there is a hash to compare with or not. Dropping the
/// future gives the place in the queue back.
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// Hashes a new password.
    async fn hash(&self, password: &Password) -> Result<PasswordHash, HashError>;

    /// Compares a password with a hash; without a hash, does the same work and answers `Mismatch`.
    async fn verify(&self, password: &Password, hash: Option<&PasswordHash>) -> Result<Verification, HashError>;
}
