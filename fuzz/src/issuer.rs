//! An issuer of access tokens whose private key is in the hands of the fuzzer.

use ipse::application::ports::{AccessTokens as _, KeyGenerator as _, NewKeyPair, OpenedKey};
use ipse::domain::Timestamp;
use ipse::domain::token::signing_key::{SigningAlgorithm, SigningKey};
use ipse::infrastructure::jwt::Jwt;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use time::Duration;

/// The claim `iss`.
pub const ISSUER: &str = "https://id.example";

/// Both halves of a key, and what checks its tokens.
pub struct Issuer {
    pub jwt: Jwt,
    pub kid: String,
    pub algorithm: Algorithm,
    pub private: EncodingKey,
    pub public: DecodingKey,
}

impl Issuer {
    /// An issuer with a new key, which is active at `now`.
    pub fn new(algorithm: SigningAlgorithm, now: Timestamp) -> Self {
        let jwt = Jwt::new(ISSUER.to_owned());
        let NewKeyPair { kid, public_jwk, private_key } = jwt.generate(algorithm).unwrap();
        let (name, private) = match algorithm {
            SigningAlgorithm::Es256 => (Algorithm::ES256, EncodingKey::from_ec_der(&private_key)),
            _ => (Algorithm::EdDSA, EncodingKey::from_ed_der(&private_key)),
        };
        let public = DecodingKey::from_jwk(&serde_json::from_str(&public_jwk).unwrap()).unwrap();
        let key = SigningKey {
            kid: kid.clone(),
            algorithm,
            public_jwk,
            sealed_private_key: Vec::new(),
            create_time: now - Duration::DAY,
            activate_time: now - Duration::HOUR,
            retire_time: None,
            drop_time: None,
        };
        jwt.use_keys(&[OpenedKey { key, private_key }]).unwrap();
        Self { jwt, kid, algorithm: name, private, public }
    }
}
