use zeroize::Zeroizing;

use super::Cause;
use crate::domain::Timestamp;
use crate::domain::id::{SessionId, TokenId, UserId};
use crate::domain::secret::Secret;
use crate::domain::signing_key::SigningKey;

/// What an access token says (RFC 9068). No personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessClaims {
    /// `sub`: the person.
    pub subject: UserId,
    /// `sid`: the session.
    pub session_id: SessionId,
    /// `jti`: this token.
    pub token_id: TokenId,
    /// `aud`: the services it is for.
    pub audience: Vec<String>,
    /// `iat`.
    pub issue_time: Timestamp,
    /// `exp`.
    pub expire_time: Timestamp,
    /// `auth_time`: when the person signed in.
    pub auth_time: Timestamp,
    /// `acr`: at which level.
    pub acr: String,
    /// `amr`: by which methods.
    pub amr: Vec<String>,
}

/// A signing key with its private half opened (PKCS #8).
pub struct OpenedKey {
    /// The key as it is stored.
    pub key: SigningKey,
    /// The private half.
    pub private_key: Zeroizing<Vec<u8>>,
}

/// Why an access token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenRejected {
    /// Genuine, and its time is over.
    #[error("the access token has expired")]
    Expired,
    /// Anything else.
    #[error("the access token is not acceptable")]
    Invalid,
}

/// Signs and checks access tokens with the installation's keys. Neither operation does input or output.
pub trait AccessTokens: Send + Sync {
    /// Takes these keys in place of all before.
    fn use_keys(&self, keys: &[OpenedKey]) -> Result<(), Cause>;

    /// Signs with the key that is active at the claims' issue time.
    fn sign(&self, claims: &AccessClaims) -> Result<Secret, Cause>;

    /// Checks a token that claims to be for this server: form, type, key, algorithm, signature, issuer, audience and
    /// times (RFC 8725bis; clocks may differ by up to 60 s).
    fn verify(&self, token: &str, now: Timestamp) -> Result<AccessClaims, TokenRejected>;
}
