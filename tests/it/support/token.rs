//! Access tokens, taken apart and forged.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ipse::application::ports::{Clock as _, SealedPlace, Sealer as _};
use ipse::domain::secret::SecretKey;
use ipse::infrastructure::secret_box::SecretBox;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::Value;

use super::world::{MASTER_KEY, World};

/// Header and claims of a token, whoever signed it.
pub(crate) fn read(token: &str) -> (Value, Value) {
    let mut parts = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
    let mut next = || serde_json::from_slice(&parts.next().unwrap()).unwrap();
    (next(), next())
}

/// The time of the world as tokens carry it.
pub(crate) fn seconds(world: &World) -> i64 {
    world.clock.now().unix_timestamp()
}

/// Signs whatever it is told with the service's own key, as only somebody with the master key could.
pub(crate) struct Forge {
    key: EncodingKey,
    /// The private half (PKCS #8).
    pub(crate) private: Vec<u8>,
    /// The public half, as a JSON Web Key.
    pub(crate) public: Value,
}

impl Forge {
    /// Takes the key out of the database.
    pub(crate) async fn new(world: &World) -> Self {
        let keys = world.store().read().await.unwrap().signing_keys().list_signing_keys().await.unwrap();
        let key = &keys[0];
        let place = SealedPlace::SigningKey(key.kid.clone());
        let opener = SecretBox::new(&SecretKey::new(MASTER_KEY), &[]).unwrap();
        let private = opener.open(&place, &key.sealed_private_key).unwrap();
        let public = serde_json::from_str(&key.public_jwk).unwrap();
        Self { key: EncodingKey::from_ec_der(&private), private: private.to_vec(), public }
    }

    /// A token of this header and these claims with a genuine signature.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    /// A token of these two texts with a genuine signature.
    pub(crate) fn sign_text(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = crypto::sign(signed.as_bytes(), &self.key, Algorithm::ES256).unwrap();
        format!("{signed}.{signature}")
    }
}
