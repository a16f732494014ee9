//! Access tokens as signed JSON Web Tokens (RFC 9068, read as RFC 8725bis asks).
//!
//! Keys and signatures are those of jsonwebtoken, except for the signing itself (`signer`). The reading before them is
//! stricter than any general library can be, as this server accepts its own tokens alone: one form, one type, one set of
//! members, keys from memory, and the injected clock.

mod claims;
mod compact;
mod generator;
mod jwk;
mod key;
mod signer;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::digest;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, UnitWeighter};

use claims::Claims;
use compact::{Compact, Header};
use key::KeyPair;

use crate::application::ports::{
    AccessClaims, AccessTokens, Cause, MAX_TOKEN_BYTES, OpenedKey, TokenRejected, Verified,
};
use crate::domain::Timestamp;
use crate::domain::secret::Secret;
use crate::domain::token::signing_key::SigningKeyState;

/// Envoy caches no token of 4096 bytes or more, and proxies refuse large headers.
const MAX_ISSUED_BYTES: usize = 4095;

/// Why a token cannot be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The time of every key is over.
    #[error("no signing key is active")]
    NoActiveKey,
    /// The claims make a token that gateways refuse.
    #[error("the access token would be longer than {MAX_ISSUED_BYTES} bytes")]
    TooLong,
}

/// How many tokens that were checked are remembered with what they say: some 20 MB at the most.
const CHECKED: usize = 32 * 1024;
/// Which part of them is kept for tokens that came again and again.
const OFTEN_CHECKED: f64 = 0.5;
/// How many tokens that were signed here are remembered as genuine, in some 14 MB at the most: those of a token's life of 15
/// minutes at 145 a second.
const SIGNED: usize = 128 * 1024;
/// None is kept for its use: the oldest is forgotten first.
const OFTEN_SIGNED: f64 = 0.0;

type Digest = [u8; 32];

/// Signs and checks access tokens with keys that it holds in memory, and makes such keys.
///
/// Tokens are remembered by the SHA-256 digest of their whole text, so that a signature is checked once, and only if it was
/// made by another process. What may change since is looked at each time: the token's times, whom it is for, and that its
/// key is still in use. Tokens that were refused are not remembered: whoever makes them up could drive out the others.
pub struct Jwt {
    issuer: String,
    keys: RwLock<Arc<[KeyPair]>>,
    signed: Cache<Digest, ()>,
    checked: Cache<Digest, Arc<Verified>>,
}

impl Jwt {
    /// Tokens of this issuer. Keys come with `use_keys`.
    #[must_use]
    pub fn new(issuer: String) -> Self {
        Self {
            issuer,
            keys: RwLock::new(Arc::new([])),
            signed: memory(SIGNED, OFTEN_SIGNED),
            checked: memory(CHECKED, OFTEN_CHECKED),
        }
    }

    /// How many of the keys in memory are in this state at `now`.
    pub fn count_keys(&self, state: SigningKeyState, now: Timestamp) -> usize {
        self.keys().iter().filter(|key| key.state(now) == state).count()
    }

    fn keys(&self) -> Arc<[KeyPair]> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The claims of a token of this issuer that one of these keys signed. Its times are not looked at.
    fn read(&self, token: &str, digest: &Digest, keys: &[KeyPair]) -> Result<Verified, TokenRejected> {
        let token = Compact::split(token).ok_or(TokenRejected::Invalid)?;
        let key = named_by(token.header, keys).ok_or(TokenRejected::Invalid)?;
        if !self.signed.contains_key(digest) && !key.verifies(&token) {
            return Err(TokenRejected::Invalid);
        }
        let payload = compact::decode(token.payload).ok_or(TokenRejected::Invalid)?;
        let claims = Claims::parse(&payload)?.accept(&self.issuer)?;
        Ok(Verified { claims, key_id: key.kid().to_owned() })
    }
}

/// The key that a header names. A header that is the very text of the key's own tokens, as nearly all are, is not read.
fn named_by<'k>(header: &str, keys: &'k [KeyPair]) -> Option<&'k KeyPair> {
    keys.iter().find(|key| key.header() == header).or_else(|| {
        let header = Header::read(header)?;
        keys.iter().find(|key| key.is_named_by(&header))
    })
}

/// A memory of so many tokens, which keeps a part of it for those that are asked for again and again.
fn memory<V: Clone>(capacity: usize, often: f64) -> Cache<Digest, V> {
    let mut options = OptionsBuilder::new();
    options.estimated_items_capacity(capacity).weight_capacity(capacity as u64).hot_allocation(often);
    // An error would be of a size that was left out.
    options.build().map_or_else(
        |_| Cache::new(capacity),
        |options| {
            Cache::with_options(options, UnitWeighter, DefaultHashBuilder::default(), DefaultLifecycle::default())
        },
    )
}

fn digest_of(token: &str) -> Digest {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    bytes
}

impl AccessTokens for Jwt {
    fn use_keys(&self, keys: &[OpenedKey]) -> Result<(), Cause> {
        let keys = keys.iter().map(KeyPair::new).collect::<Result<_, _>>()?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    fn sign(&self, claims: &AccessClaims) -> Result<Secret, Cause> {
        let keys = self.keys();
        let waiting = keys.iter().filter_map(|key| Some((key.waits(claims.issue_time)?, key)));
        let (_, key) = waiting.min_by_key(|(wait, _)| *wait).ok_or(SignError::NoActiveKey)?;
        let claims = Claims::new(&self.issuer, claims);
        let token = key.sign(&serde_json::to_vec(&claims)?)?;
        if token.len() > MAX_ISSUED_BYTES {
            return Err(SignError::TooLong.into());
        }
        self.signed.insert(digest_of(&token), ());
        Ok(Secret::new(token))
    }

    fn verify(&self, token: &str, audience: Option<&str>, now: Timestamp) -> Result<Arc<Verified>, TokenRejected> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenRejected::Invalid);
        }
        let keys = self.keys();
        let digest = digest_of(token);
        let remembered = self.checked.get(&digest);
        let is_new = remembered.is_none();
        let verified = remembered.map_or_else(|| self.read(token, &digest, &keys).map(Arc::new), Ok)?;
        let is_in_use = |key: &KeyPair| key.kid() == verified.key_id && key.state(now) != SigningKeyState::Retired;
        if !keys.iter().any(is_in_use) {
            return Err(TokenRejected::Invalid);
        }
        claims::check(&verified.claims, audience, now)?;
        if is_new {
            self.checked.insert(digest, verified.clone());
        }
        Ok(verified)
    }
}
