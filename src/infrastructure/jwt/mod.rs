//! Access tokens as signed JSON Web Tokens (RFC 9068, read as RFC 8725bis asks).
//!
//! The signatures are those of `aws-lc-rs`. The reading around them is stricter than any general library can be, as this
//! server accepts its own tokens alone: one form, one type, one set of members, keys from memory, and the injected clock.

mod claims;
mod compact;
mod jwk;
mod key;

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod forge;

use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::digest;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, UnitWeighter};

use claims::Claims;
use compact::{Compact, Header};
use key::KeyPair;

use crate::application::ports::{AccessClaims, AccessTokens, Cause, OpenedKey, TokenRejected, Verified};
use crate::domain::Timestamp;
use crate::domain::secret::Secret;
use crate::domain::token::signing_key::SigningKeyState;

/// Envoy caches no token of 4096 bytes or more, and proxies refuse large headers.
const MAX_ISSUED_BYTES: usize = 4095;
/// The longest token that is looked at.
const MAX_READ_BYTES: usize = 8 * 1024;

/// Why a token cannot be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// No key is in its active time.
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
/// How many tokens that were signed here are known to be genuine, in some 14 MB at the most: those of a token's life of 15
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
        let key = keys
            .iter()
            .find(|key| key.state(claims.issue_time) == SigningKeyState::Active)
            .ok_or(SignError::NoActiveKey)?;
        let claims = Claims::new(&self.issuer, claims);
        let token = key.sign(&serde_json::to_vec(&claims)?)?;
        if token.len() > MAX_ISSUED_BYTES {
            return Err(SignError::TooLong.into());
        }
        self.signed.insert(digest_of(&token), ());
        Ok(Secret::new(token))
    }

    fn verify(&self, token: &str, audience: Option<&str>, now: Timestamp) -> Result<Arc<Verified>, TokenRejected> {
        if token.len() > MAX_READ_BYTES {
            return Err(TokenRejected::Invalid);
        }
        let keys = self.keys();
        let digest = digest_of(token);
        let known = self.checked.get(&digest);
        let is_new = known.is_none();
        let verified = known.map_or_else(|| self.read(token, &digest, &keys).map(Arc::new), Ok)?;
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

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::forge::{Forge, PAYLOAD, SERVICE_PAYLOAD, at, claims, copy, service_claims};
    use super::*;
    use crate::application::ports::Grants;
    use crate::domain::access::subject::Principal;

    fn part(token: &Secret, number: usize) -> String {
        let part = token.expose().split('.').nth(number).unwrap();
        String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    }

    /// What a token says to the process that signed it and remembers it, which is what it says to any other.
    fn here_and_elsewhere(forge: &Forge, token: &Secret) -> AccessClaims {
        let token = token.expose();
        assert!(forge.jwt.signed.contains_key(&digest_of(token)));
        let known = forge.jwt.verify(token, None, at(100)).unwrap();
        assert_eq!(forge.jwt.checked.get(&digest_of(token)), Some(known.clone()));
        let elsewhere = Jwt::new(forge.jwt.issuer.clone());
        elsewhere.use_keys(&forge.keys().map(copy)).unwrap();
        let anew = elsewhere.verify(token, None, at(100)).unwrap();
        assert_eq!(known.key_id, anew.key_id);
        assert_eq!(known.claims, anew.claims);
        anew.claims.clone()
    }

    #[test]
    fn a_token_says_what_was_asked_and_reads_back() {
        let forge = Forge::new();
        for key in forge.keys() {
            forge.jwt.use_keys(&[copy(key)]).unwrap();
            let token = forge.jwt.sign(&claims()).unwrap();
            assert_eq!(part(&token, 0), Forge::header(key));
            assert_eq!(part(&token, 1), PAYLOAD);
            assert_eq!(here_and_elsewhere(&forge, &token), claims());
            let token = forge.jwt.sign(&service_claims()).unwrap();
            assert_eq!(part(&token, 1), SERVICE_PAYLOAD);
            assert_eq!(here_and_elsewhere(&forge, &token), service_claims());
        }
    }

    #[test]
    fn a_token_is_for_its_audiences_or_for_whoever_does_not_ask() {
        let forge = Forge::new();
        let token = forge.jwt.sign(&claims()).unwrap();
        let verdict = |audience| forge.jwt.verify(token.expose(), audience, at(100));
        for audience in [None, Some("orders"), Some("api")] {
            assert_eq!(verdict(audience).unwrap().claims, claims());
        }
        assert_eq!(verdict(Some("stock")), Err(TokenRejected::Invalid));
    }

    #[test]
    fn of_too_many_roles_none_is_told() {
        let forge = Forge::new();
        let sign = |count: usize| {
            let grants = Grants::Roles((0..count).map(|number| format!("{number:064}")).collect());
            let token = forge.jwt.sign(&AccessClaims { grants, ..claims() }).unwrap();
            here_and_elsewhere(&forge, &token).grants
        };
        assert!(matches!(sign(22), Grants::Roles(names) if names.len() == 22));
        assert_eq!(sign(23), Grants::Roles(vec![]));
        assert_eq!(sign(100), Grants::Roles(vec![]));
    }

    #[test]
    fn times_are_cut_to_whole_seconds() {
        let forge = Forge::new();
        let fraction = time::Duration::microseconds(999_999);
        let mut precise = claims();
        precise.issue_time += fraction;
        precise.expire_time += fraction;
        if let Principal::Person { authentication, .. } = &mut precise.principal {
            authentication.time += fraction;
        }
        assert_eq!(here_and_elsewhere(&forge, &forge.jwt.sign(&precise).unwrap()), claims());
    }

    #[test]
    fn the_active_key_signs() {
        let forge = Forge::new();
        let (mut older, mut newer) = (copy(&forge.ed25519), copy(&forge.p256));
        newer.key.create_time = at(-100);
        newer.key.activate_time = at(0);
        older.key.retire_time = Some(at(0));
        forge.jwt.use_keys(&[copy(&newer), copy(&older)]).unwrap();
        let signer = |second: i64| {
            let token = forge.jwt.sign(&AccessClaims { issue_time: at(second), ..claims() })?;
            let header: compact::Header = serde_json::from_str(&part(&token, 0))?;
            Ok::<_, Cause>(header.kid)
        };
        assert_eq!(signer(-1).unwrap(), older.key.kid, "the newer one is only published yet");
        assert_eq!(signer(0).unwrap(), newer.key.kid);
        newer.key.retire_time = Some(at(20));
        forge.jwt.use_keys(&[older, newer]).unwrap();
        assert_eq!(signer(20).unwrap_err().downcast_ref(), Some(&SignError::NoActiveKey));
    }

    #[test]
    fn no_token_is_too_long_for_gateways() {
        let forge = Forge::new();
        let sign = |filler: usize| forge.jwt.sign(&AccessClaims { audience: vec!["a".repeat(filler)], ..claims() });
        for key in forge.keys() {
            forge.jwt.use_keys(&[copy(key)]).unwrap();
            assert!(sign(2000).unwrap().expose().len() < 4096);
            assert_eq!(sign(2800).unwrap_err().downcast_ref(), Some(&SignError::TooLong));
        }
    }

    #[test]
    fn a_token_that_is_known_is_checked_again_for_all_that_may_change() {
        let forge = Forge::new();
        let token = Forge::token_of(&forge.ed25519);
        let verify = |audience, second| forge.jwt.verify(&token, audience, at(second)).map(|_| ());
        for _ in 0..2 {
            assert_eq!(verify(Some("api"), 0), Ok(()));
            assert_eq!(verify(None, 899), Ok(()));
            assert_eq!(verify(Some("orders"), -60), Ok(()));
            assert_eq!(verify(Some("other"), 0), Err(TokenRejected::Invalid));
            assert_eq!(verify(None, -61), Err(TokenRejected::Invalid));
            assert_eq!(verify(None, 900), Err(TokenRejected::Expired));
        }
        assert_eq!(forge.jwt.checked.len(), 1);
    }

    #[test]
    fn a_known_token_is_refused_once_its_key_is_gone_or_retired() {
        let forge = Forge::new();
        forge.jwt.use_keys(&[copy(&forge.ed25519)]).unwrap();
        let token = forge.jwt.sign(&claims()).unwrap();
        assert!(forge.verdict(token.expose()).is_ok());
        forge.jwt.use_keys(&[copy(&forge.p256)]).unwrap();
        assert_eq!(forge.verdict(token.expose()), Err(TokenRejected::Invalid));
        let mut retired = copy(&forge.ed25519);
        retired.key.drop_time = Some(at(100));
        forge.jwt.use_keys(&[retired]).unwrap();
        assert!(forge.verdict_at(token.expose(), at(99)).is_ok());
        assert_eq!(forge.verdict_at(token.expose(), at(100)), Err(TokenRejected::Invalid));
    }

    #[test]
    fn only_the_very_same_text_is_known_and_nothing_that_was_refused() {
        let [forge, other] = [Forge::new(), Forge::new()];
        let signed_here = other.jwt.sign(&claims()).unwrap().expose().to_owned();
        for (forge, token, signed) in [(&forge, Forge::token_of(&forge.ed25519), 0), (&other, signed_here, 1)] {
            for place in 0..token.len() {
                let other = if token.as_bytes()[place] == b'A' { "B" } else { "A" };
                let mut changed = token.clone();
                changed.replace_range(place..=place, other);
                assert!(forge.verdict(&changed).is_err(), "{place}");
                assert!(forge.verdict(&token).is_ok());
            }
            assert_eq!((forge.jwt.checked.len(), forge.jwt.signed.len()), (1, signed));
        }
    }

    #[test]
    fn the_oldest_of_the_tokens_signed_here_are_forgotten() {
        let signed = memory(10_000, OFTEN_SIGNED);
        let digest = |number: u32| digest_of(&number.to_string());
        for number in 0..20_000 {
            signed.insert(digest(number), ());
            assert!(signed.contains_key(&digest(number.saturating_sub(8_000))), "{number}");
        }
        assert!(signed.len() <= 10_000);
        let forgotten = (0..8_000).filter(|number| !signed.contains_key(&digest(*number))).count();
        assert!(forgotten > 7_900, "{forgotten}");
    }

    #[test]
    fn keys_that_do_not_fit_change_nothing() {
        let forge = Forge::new();
        let mut foreign = copy(&forge.ed25519);
        foreign.key.kid = "x".into();
        assert!(forge.jwt.use_keys(&[foreign]).is_err());
        assert!(forge.jwt.sign(&claims()).is_ok());
    }
}
