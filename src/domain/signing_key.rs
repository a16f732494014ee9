//! The keys that sign access tokens, and the places of their life.

use super::Timestamp;

/// A signature algorithm. No symmetric one: whoever can verify a token must not be able to make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningAlgorithm {
    /// ECDSA on P-256 with SHA-256 (RFC 7518).
    Es256,
    /// Ed25519 (RFC 8037).
    EdDsa,
}

impl SigningAlgorithm {
    /// The name in the header `alg`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Es256, Self::EdDsa].into_iter().find(|algorithm| algorithm.name() == name)
    }
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
    /// No valid token of it exists.
    Retired,
}

/// A signing key as it is stored: the private half sealed under the master key.
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
    /// When it was made.
    pub create_time: Timestamp,
    /// When it begins to sign.
    pub activate_time: Timestamp,
    /// When it stops signing.
    pub retire_time: Option<Timestamp>,
    /// When the last token it signed has expired.
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
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    #[test]
    fn a_key_is_published_active_retiring_retired() {
        let at = |minutes| Timestamp::UNIX_EPOCH + Duration::minutes(minutes);
        let key = SigningKey {
            kid: "k".into(),
            algorithm: SigningAlgorithm::Es256,
            public_jwk: "{}".into(),
            sealed_private_key: vec![],
            create_time: at(0),
            activate_time: at(15),
            retire_time: Some(at(100)),
            drop_time: Some(at(120)),
        };
        for (minute, state) in [
            (0, SigningKeyState::Published),
            (15, SigningKeyState::Active),
            (100, SigningKeyState::Retiring),
            (120, SigningKeyState::Retired),
        ] {
            assert_eq!(key.state(at(minute)), state, "{minute}");
        }
    }
}
