use std::sync::Arc;

use zeroize::Zeroizing;

use super::Cause;
use crate::domain::Timestamp;
use crate::domain::access::change::TokenMarks;
use crate::domain::access::permission::Rights;
use crate::domain::access::subject::Principal;
use crate::domain::id::TokenId;
use crate::domain::secret::Secret;
use crate::domain::token::signing_key::SigningKey;

/// What an access token says (RFC 9068). No personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessClaims {
    /// `sub` and `sid`, and `auth_time`, `acr` and `amr` of a person.
    pub principal: Principal,
    /// `roles` or `scope`.
    pub grants: Grants,
    /// `jti`: this token.
    pub token_id: TokenId,
    /// `aud`: the services it is for.
    pub audience: Vec<String>,
    /// `iat`.
    pub issue_time: Timestamp,
    /// `exp`.
    pub expire_time: Timestamp,
}

/// What an access token says that its bearer may do. Verifiers that are offline go by it; this server itself asks what
/// holds now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grants {
    /// `roles`: the names of all roles of the subject, in order. None of them where they would make the token too long:
    /// a part of them might mislead.
    Roles(Vec<String>),
    /// `scope`: the token is good for no more than this, whatever its subject may do.
    Scope(Rights),
}

/// An access token that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What it says.
    pub claims: AccessClaims,
    /// `kid`: the key that signed it.
    pub key_id: String,
}

impl Verified {
    /// By what it can be revoked.
    #[must_use]
    pub fn marks(&self) -> TokenMarks<'_> {
        TokenMarks {
            sid: *self.claims.principal.sid(),
            subject: *self.claims.principal.subject().as_uuid(),
            issue_time: self.claims.issue_time,
            token_id: self.claims.token_id,
            key_id: &self.key_id,
        }
    }

    /// What it limits its bearer to; nothing if it does not.
    #[must_use]
    pub fn scope(&self) -> Option<&Rights> {
        match &self.claims.grants {
            Grants::Roles(_) => None,
            Grants::Scope(scope) => Some(scope),
        }
    }
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

/// The longest access token that is looked at, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8192;

/// Signs and checks access tokens with the installation's keys. Neither operation does input or output.
pub trait AccessTokens: Send + Sync {
    /// Takes these keys in place of all before.
    fn use_keys(&self, keys: &[OpenedKey]) -> Result<(), Cause>;

    /// Signs with the key that is active at the claims' issue time.
    fn sign(&self, claims: &AccessClaims) -> Result<Secret, Cause>;

    /// Checks a token of this issuer: form, type, key, algorithm, signature, issuer, audience and times (RFC 8725bis;
    /// clocks may differ by up to 60 s). Without an `audience`, one for anybody will do.
    fn verify(&self, token: &str, audience: Option<&str>, now: Timestamp) -> Result<Arc<Verified>, TokenRejected>;
}
