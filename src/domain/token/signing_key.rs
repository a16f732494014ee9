//! The keys that sign access tokens, and the places of their life.

use time::Duration;

use crate::domain::Timestamp;

/// How long a key is published before it signs. Envoy keeps a fetched key set for ten minutes unless told otherwise.
pub const LEAD: Duration = Duration::minutes(15);
/// No access token lives longer than this, whatever is configured.
pub const LONGEST_TOKEN_LIFE: Duration = Duration::HOUR;
/// How far the clocks of two machines may be apart.
pub const MAX_SKEW: Duration = Duration::minutes(1);
/// How many characters the name of a key has: the SHA-256 thumbprint in base64url.
const KID_CHARS: usize = 43;

/// A signature algorithm. No symmetric one: whoever can verify a token must not be able to make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningAlgorithm {
    /// ECDSA on P-256 with SHA-256 (RFC 7518).
    Es256,
    /// Ed25519 (RFC 8037).
    EdDsa,
    /// RSA of 3072 bits with PKCS #1 v1.5 and SHA-256 (RFC 7518), for verifiers that know nothing better.
    Rs256,
}

impl SigningAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 3] = [Self::Es256, Self::EdDsa, Self::Rs256];

    /// The name in the header `alg`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
        }
    }

    /// The algorithm of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Reads the name of an algorithm, at most 16 characters.
    pub fn parse(name: &str) -> Result<Self, &'static str> {
        Self::named(name).ok_or("must be ES256, EdDSA or RS256")
    }

    /// How many bytes each signature has.
    #[must_use]
    pub const fn signature_bytes(self) -> usize {
        match self {
            Self::Es256 | Self::EdDsa => 64,
            Self::Rs256 => 384,
        }
    }
}

/// Reads the name of a key: 43 characters of base64url.
pub fn parse_kid(kid: &str) -> Result<&str, &'static str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if kid.len() == KID_CHARS && kid.bytes().all(plain) { Ok(kid) } else { Err("must be 43 characters of base64url") }
}

/// Where a signing key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningKeyState {
    /// Verifiers can fetch it; it does not sign yet.
    Published,
    /// It signs.
    Active,
    /// It signs no more; its last tokens may be valid.
    Retiring,
    /// No valid token of it exists, or none is to be believed.
    Retired,
}

/// A signing key as it is stored: the private half sealed under the master key. Its times say all about its life;
/// those of all keys fit together (see [`KeyRing`](super::key_ring::KeyRing)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// The RFC 7638 thumbprint of the public half; the header `kid`.
    pub kid: String,
    /// What it signs with.
    pub algorithm: SigningAlgorithm,
    /// The public half as a JSON Web Key.
    pub public_jwk: String,
    /// The private half, sealed.
    pub sealed_private_key: Vec<u8>,
    /// When it was made, and published.
    pub create_time: Timestamp,
    /// When it begins to sign.
    pub activate_time: Timestamp,
    /// When it stops signing, once that is decided.
    pub retire_time: Option<Timestamp>,
    /// When the last token it signed has expired by every clock, or when it was revoked.
    pub drop_time: Option<Timestamp>,
}

impl SigningKey {
    /// The place of the key's life at `now`.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> SigningKeyState {
        if self.drop_time.is_some_and(|time| time <= now) {
            SigningKeyState::Retired
        } else if self.retire_time.is_some_and(|time| time <= now) {
            SigningKeyState::Retiring
        } else if self.activate_time <= now {
            SigningKeyState::Active
        } else {
            SigningKeyState::Published
        }
    }

    /// How long the key has to wait until it signs: not at all if it is active, for ever if its time is over. The one that
    /// waits the least signs. That is the active one, except by a clock behind the one that published the first key: tokens
    /// cannot wait for a clock.
    #[must_use]
    pub fn waits(&self, now: Timestamp) -> Option<Duration> {
        match self.state(now) {
            SigningKeyState::Active => Some(Duration::ZERO),
            SigningKeyState::Published => Some(self.activate_time - now),
            SigningKeyState::Retiring | SigningKeyState::Retired => None,
        }
    }

    /// Whether verifiers are told of the key at `now`.
    #[must_use]
    pub fn is_listed(&self, now: Timestamp) -> bool {
        self.state(now) != SigningKeyState::Retired
    }

    /// Sets when the key stops signing, and with it when it is dropped.
    pub(in crate::domain) fn retire_at(&mut self, time: Option<Timestamp>) {
        self.retire_time = time;
        self.drop_time = time.map(|time| time + LONGEST_TOKEN_LIFE + MAX_SKEW);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_published_active_retiring_retired() {
        let at = |minutes| Timestamp::UNIX_EPOCH + Duration::minutes(minutes);
        let mut key = SigningKey {
            kid: "k".into(),
            algorithm: SigningAlgorithm::Es256,
            public_jwk: "{}".into(),
            sealed_private_key: vec![],
            create_time: at(0),
            activate_time: at(15),
            retire_time: None,
            drop_time: None,
        };
        key.retire_at(Some(at(100)));
        for (minute, state, waits) in [
            (0, SigningKeyState::Published, Some(Duration::minutes(15))),
            (15, SigningKeyState::Active, Some(Duration::ZERO)),
            (99, SigningKeyState::Active, Some(Duration::ZERO)),
            (100, SigningKeyState::Retiring, None),
            (160, SigningKeyState::Retiring, None),
            (161, SigningKeyState::Retired, None),
        ] {
            assert_eq!((key.state(at(minute)), key.waits(at(minute))), (state, waits), "{minute}");
            assert_eq!(key.is_listed(at(minute)), minute < 161, "{minute}");
        }
        key.retire_at(None);
        assert_eq!(key.state(at(1000)), SigningKeyState::Active);
    }

    #[test]
    fn algorithms_have_exact_names() {
        for algorithm in SigningAlgorithm::ALL {
            assert_eq!(SigningAlgorithm::parse(algorithm.name()), Ok(algorithm));
        }
        for name in ["", "es256", "RS384", "PS256", "HS256", "none", "EdDSA "] {
            assert!(SigningAlgorithm::parse(name).is_err(), "{name}");
        }
    }

    #[test]
    fn the_name_of_a_key_is_a_thumbprint() {
        let kid = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
        assert_eq!(parse_kid(kid), Ok(kid));
        for wrong in ["", "k", &kid[1..], &format!("{kid}A"), &kid.replace('-', "+"), &kid.replace('-', "\0")] {
            assert!(parse_kid(wrong).is_err(), "{wrong}");
        }
    }
}
