//! Refresh tokens: opaque text that names its session and its generation and proves that this service issued it.
//!
//! A token is `session id ‖ generation ‖ 256-bit secret ‖ tag`. The first secret of a session is random; each later
//! one is an HMAC over the token before it, so a client that lost an answer gets the *same* successor again although
//! only digests are stored. Neither the database nor the key alone suffices to compute a token. The tag tells a retired
//! token from an invented one: session ids are public, and nobody may end a session by guessing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::domain::id::SessionId;
use crate::domain::secret::{Digest, Secret, SecretKey};

/// The longest refresh token text that is looked at, in bytes.
pub const MAX_BYTES: usize = 256;
/// Marks refresh tokens, so that secret scanners recognise them.
const PREFIX: &str = "ipse_rt_";
const BODY: usize = 16 + 4 + 32;
const TAG: usize = 16;

/// A refresh token that this service issued.
#[derive(Clone)]
pub struct RefreshToken {
    session_id: SessionId,
    generation: u32,
    body: [u8; BODY],
}

impl RefreshToken {
    /// The first token of a session, from a random secret.
    #[must_use]
    pub fn first(session_id: SessionId, secret: &[u8; 32]) -> Self {
        Self::assemble(session_id, 1, secret)
    }

    /// The one token that replaces this one.
    #[must_use]
    pub fn successor(&self, key: &SecretKey) -> Self {
        let secret = key.mac(&[b"refresh successor", &self.body]);
        Self::assemble(self.session_id, self.generation.saturating_add(1), &secret)
    }

    /// Reads a token. Anything this service did not issue under `key` yields nothing.
    #[must_use]
    pub fn parse(text: &str, key: &SecretKey) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
        let (body, tag) = bytes.split_first_chunk::<BODY>()?;
        if !bool::from(tag.ct_eq(&Self::tag(body, key))) {
            return None;
        }
        let (session_id, rest) = body.split_first_chunk::<16>()?;
        let (generation, _) = rest.split_first_chunk::<4>()?;
        Some(Self {
            session_id: SessionId::from_uuid(Uuid::from_bytes(*session_id)),
            generation: u32::from_be_bytes(*generation),
            body: *body,
        })
    }

    /// The text for the client.
    #[must_use]
    pub fn expose(&self, key: &SecretKey) -> Secret {
        let mut bytes = self.body.to_vec();
        bytes.extend(Self::tag(&self.body, key));
        Secret::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The session the token belongs to.
    #[must_use]
    pub const fn session_id(&self) -> SessionId {
        self.session_id
    }

    /// Which token of its session this is, counted from one.
    #[must_use]
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// What is stored of the token.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.body)
    }

    fn assemble(session_id: SessionId, generation: u32, secret: &[u8; 32]) -> Self {
        let mut body = [0; BODY];
        body[..16].copy_from_slice(session_id.as_uuid().as_bytes());
        body[16..20].copy_from_slice(&generation.to_be_bytes());
        body[20..].copy_from_slice(secret);
        Self { session_id, generation, body }
    }

    fn tag(body: &[u8; BODY], key: &SecretKey) -> [u8; TAG] {
        let mut tag = [0; TAG];
        tag.copy_from_slice(&key.mac(&[b"refresh tag", body])[..TAG]);
        tag
    }
}

impl std::fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RefreshToken")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Timestamp;

    fn key() -> SecretKey {
        SecretKey::new([3; 32])
    }

    fn token() -> RefreshToken {
        RefreshToken::first(SessionId::new(Timestamp::UNIX_EPOCH, &[5; 10]), &[7; 32])
    }

    #[test]
    fn a_token_round_trips_and_its_successor_is_always_the_same() {
        let read = RefreshToken::parse(token().expose(&key()).expose(), &key()).unwrap();
        assert_eq!(read.digest(), token().digest());
        assert_eq!((read.session_id(), read.generation()), (token().session_id(), 1));
        let successor = read.successor(&key());
        assert_eq!(successor.digest(), token().successor(&key()).digest());
        assert_eq!(successor.generation(), 2);
        assert_ne!(successor.digest(), read.digest());
    }

    #[test]
    fn another_key_issues_other_tokens() {
        let other = SecretKey::new([4; 32]);
        assert!(RefreshToken::parse(token().expose(&other).expose(), &key()).is_none());
        assert_ne!(token().successor(&other).digest(), token().successor(&key()).digest());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(ipse_rt_)?\\PC{0,120}") {
            prop_assert!(RefreshToken::parse(&text, &key()).is_none());
        }

        #[test]
        fn no_changed_character_is_accepted(position in 0_usize..99, letter in "[A-Za-z0-9_=-]") {
            let text = token().expose(&key()).expose().to_owned();
            let mut changed = text.clone();
            changed.replace_range(position..=position, &letter);
            prop_assert_eq!(RefreshToken::parse(&changed, &key()).is_some(), changed == text);
        }
    }
}
