//! Signing keys of the service in the wrong hands: any header and any payload under any signature.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ipse::application::ports::{KeyGenerator as _, NewKeyPair, SealedPlace, Sealer as _};
use ipse::domain::secret::SecretKey;
use ipse::domain::token::signing_key::SigningAlgorithm;
use ipse::infrastructure::jwt::Jwt;
use ipse::infrastructure::secret_box::SecretBox;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::Value;

use super::world::{ISSUER, MASTER_KEY, World};

/// How many bytes PKCS #8 puts before an RSA private key of 3072 bits.
const RSA_FRAME: usize = 26;

/// Both halves of a signing key.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) kid: String,
    pub(crate) algorithm: SigningAlgorithm,
    /// The private half (PKCS #8).
    pub(crate) private: Vec<u8>,
    /// The public half, as a JSON Web Key.
    pub(crate) public: Value,
}

impl Key {
    /// A key that no service knows.
    pub(crate) fn new(algorithm: SigningAlgorithm) -> Self {
        let NewKeyPair { kid, public_jwk, private_key } = Jwt::new(ISSUER.to_owned()).generate(algorithm).unwrap();
        let public = serde_json::from_str(&public_jwk).unwrap();
        Self { kid, algorithm, private: private_key.to_vec(), public }
    }

    /// The keys of the service, taken out of the database as only somebody with the master key could.
    pub(crate) async fn all_of(world: &World) -> Vec<Self> {
        let keys = world.store().read().await.unwrap().signing_keys().list_signing_keys().await.unwrap();
        let opener = SecretBox::new(&SecretKey::new(MASTER_KEY), &[]).unwrap();
        let open = |key: &ipse::domain::token::signing_key::SigningKey| Self {
            kid: key.kid.clone(),
            algorithm: key.algorithm,
            private: opener.open(&SealedPlace::SigningKey(key.kid.clone()), &key.sealed_private_key).unwrap().to_vec(),
            public: serde_json::from_str(&key.public_jwk).unwrap(),
        };
        keys.iter().map(open).collect()
    }

    /// The key of a service that has only one.
    pub(crate) async fn of(world: &World) -> Self {
        Self::all_of(world).await.remove(0)
    }

    /// The value of the header `alg`.
    pub(crate) fn name(&self) -> &'static str {
        self.algorithm.name()
    }

    /// The header of the key's good tokens.
    pub(crate) fn header(&self) -> String {
        format!(r#"{{"alg":"{}","typ":"at+jwt","kid":"{}"}}"#, self.name(), self.kid)
    }

    /// These two texts with a genuine signature.
    pub(crate) fn sign(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        let algorithm = match self.algorithm {
            SigningAlgorithm::Es256 => Algorithm::ES256,
            SigningAlgorithm::EdDsa => Algorithm::EdDSA,
            SigningAlgorithm::Rs256 => Algorithm::RS256,
        };
        self.sign_as(algorithm, header, payload)
    }

    /// These two texts with a signature that the key could make.
    pub(crate) fn sign_as(&self, algorithm: Algorithm, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        let key = match self.algorithm {
            SigningAlgorithm::Es256 => EncodingKey::from_ec_der(&self.private),
            SigningAlgorithm::EdDsa => EncodingKey::from_ed_der(&self.private),
            SigningAlgorithm::Rs256 => EncodingKey::from_rsa_der(&self.private[RSA_FRAME..]),
        };
        signed(header, payload, &key, algorithm)
    }
}

/// These two texts under a shared secret.
pub(crate) fn sign_with_secret(secret: &[u8], algorithm: Algorithm, header: &str, payload: &str) -> String {
    signed(header, payload, &EncodingKey::from_secret(secret), algorithm)
}

fn signed(header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>, key: &EncodingKey, algorithm: Algorithm) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = crypto::sign(signed.as_bytes(), key, algorithm).unwrap();
    format!("{signed}.{signature}")
}

/// What tokens are forged from.
pub(crate) struct Forge {
    /// Keys that the service takes, one of each algorithm.
    pub(crate) keys: Vec<Key>,
    /// Which of them signs.
    pub(crate) algorithm: SigningAlgorithm,
    /// The claims of a good token of a person, as they stand in it.
    pub(crate) person: String,
    /// Those of a service, limited to a scope.
    pub(crate) service: String,
    /// The time at which the tokens are tried.
    pub(crate) now: i64,
}

impl Forge {
    /// The key of an algorithm.
    pub(crate) fn key(&self, algorithm: SigningAlgorithm) -> &Key {
        self.keys.iter().find(|key| key.algorithm == algorithm).expect("a key of each algorithm")
    }

    pub(crate) fn signer(&self) -> &Key {
        self.key(self.algorithm)
    }

    /// A good token of a key.
    pub(crate) fn token_of(&self, key: &Key) -> String {
        key.sign(key.header(), &self.person)
    }

    /// A good token.
    pub(crate) fn genuine(&self) -> String {
        self.token_of(self.signer())
    }

    /// A payload with a genuine signature under the right header.
    pub(crate) fn sign(&self, payload: impl AsRef<[u8]>) -> String {
        self.signer().sign(self.signer().header(), payload)
    }
}

/// A key that no service knows. Finding primes takes so long that all tests share them.
pub(crate) fn stranger(algorithm: SigningAlgorithm) -> &'static Key {
    static STRANGERS: LazyLock<[Key; 3]> = LazyLock::new(|| SigningAlgorithm::ALL.map(Key::new));
    STRANGERS.iter().find(|key| key.algorithm == algorithm).expect("a key of each algorithm")
}

/// The text with one passage replaced, which has to be there.
pub(crate) fn altered(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} is not in {text}");
    text.replacen(from, to, 1)
}

/// The object with another member, at its end.
pub(crate) fn with_member(object: &str, member: &str) -> String {
    format!("{},{member}}}", object.strip_suffix('}').expect("an object"))
}
