//! Tokens that this server would never make, for the tests: any header and payload under any signature.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use time::Duration;
use zeroize::Zeroizing;

use super::Jwt;
use super::key::KeyPair;
use crate::application::ports::{AccessClaims, AccessTokens, Grants, KeyGenerator, OpenedKey, TokenRejected};
use crate::domain::Timestamp;
use crate::domain::access::permission::Rights;
use crate::domain::access::subject::Principal;
use crate::domain::id::{ApiKeyId, ServiceAccountId, SessionId, TokenId, UserId};
use crate::domain::session::Authentication;
use crate::domain::token::signing_key::{SigningAlgorithm, SigningKey};

pub(super) const ISSUER: &str = "https://id.example";
pub(super) const AUDIENCE: &str = "api";

/// A moment in the life of the tokens below.
pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_unix_timestamp(1_700_000_000 + second).unwrap()
}

/// A server with one active key of each algorithm, and the private halves for forging.
pub(super) struct Forge {
    pub jwt: Jwt,
    pub ed25519: OpenedKey,
    pub p256: OpenedKey,
    pub rsa: OpenedKey,
}

/// Finding two primes takes so long that all tests share them.
static RSA: LazyLock<OpenedKey> = LazyLock::new(|| new_key(&Jwt::new(ISSUER.into()), SigningAlgorithm::Rs256));

impl Forge {
    pub(super) fn new() -> Self {
        let jwt = Jwt::new(ISSUER.into());
        let (ed25519, p256) = (new_key(&jwt, SigningAlgorithm::EdDsa), new_key(&jwt, SigningAlgorithm::Es256));
        let forge = Self { jwt, ed25519, p256, rsa: copy(&RSA) };
        forge.jwt.use_keys(&forge.keys().map(copy)).unwrap();
        forge
    }

    /// The keys of all algorithms.
    pub(super) fn keys(&self) -> [&OpenedKey; 3] {
        [&self.ed25519, &self.p256, &self.rsa]
    }

    /// A good token of this key.
    pub(super) fn token_of(key: &OpenedKey) -> String {
        Self::signed_by(key, &Self::header(key))
    }

    /// The good payload under any header, with a genuine signature of this key.
    pub(super) fn signed_by(key: &OpenedKey, header: &str) -> String {
        let pair = KeyPair::new(key).unwrap();
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(PAYLOAD));
        let signature = pair.signature(signed.as_bytes()).unwrap();
        format!("{signed}.{signature}")
    }

    /// The header of a good token of this key.
    pub(super) fn header(key: &OpenedKey) -> String {
        format!(r#"{{"alg":"{}","typ":"at+jwt","kid":"{}"}}"#, key.key.algorithm.name(), key.key.kid)
    }

    /// Any header and payload with a genuine signature of the Ed25519 key.
    pub(super) fn signed(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        let private_key = EncodingKey::from_ed_der(&self.ed25519.private_key);
        with_signature(header, payload, &private_key, Algorithm::EdDSA)
    }

    /// A good token of the P-256 key.
    pub(super) fn signed_with_p256(&self, payload: &str) -> String {
        let private_key = EncodingKey::from_ec_der(&self.p256.private_key);
        with_signature(Self::header(&self.p256), payload, &private_key, Algorithm::ES256)
    }

    pub(super) fn verdict(&self, token: &str) -> Result<AccessClaims, TokenRejected> {
        self.verdict_at(token, at(100))
    }

    pub(super) fn verdict_at(&self, token: &str, now: Timestamp) -> Result<AccessClaims, TokenRejected> {
        self.jwt.verify(token, Some(AUDIENCE), now).map(|verified| verified.claims.clone())
    }
}

/// Header and payload under a signature of whatever key.
pub(super) fn with_signature(
    header: impl AsRef<[u8]>,
    payload: impl AsRef<[u8]>,
    private_key: &EncodingKey,
    algorithm: Algorithm,
) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = crypto::sign(signed.as_bytes(), private_key, algorithm).unwrap();
    format!("{signed}.{signature}")
}

/// A key that was made long ago and signs without end.
pub(super) fn new_key(jwt: &Jwt, algorithm: SigningAlgorithm) -> OpenedKey {
    let pair = jwt.generate(algorithm).unwrap();
    let key = SigningKey {
        kid: pair.kid,
        algorithm,
        public_jwk: pair.public_jwk,
        sealed_private_key: vec![],
        create_time: at(-2000),
        activate_time: at(-1000),
        retire_time: None,
        drop_time: None,
    };
    OpenedKey { key, private_key: pair.private_key }
}

pub(super) fn copy(key: &OpenedKey) -> OpenedKey {
    OpenedKey { key: key.key.clone(), private_key: Zeroizing::new(key.private_key.to_vec()) }
}

/// The claims of a good token that was issued at second 0.
pub(super) fn claims() -> AccessClaims {
    AccessClaims {
        principal: Principal::Person {
            user_id: UserId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap(),
            session_id: SessionId::parse("01890a5d-ac96-774b-bcce-b302099a8058").unwrap(),
            authentication: Authentication::by_password(at(-500)),
        },
        grants: Grants::Roles(vec!["support".into()]),
        token_id: TokenId::parse("01890a5d-ac96-774b-bcce-b302099a8059").unwrap(),
        audience: vec!["orders".into(), AUDIENCE.into()],
        issue_time: at(0),
        expire_time: at(0) + Duration::minutes(15),
    }
}

/// The payload of a good token.
pub(super) const PAYLOAD: &str = concat!(
    r#"{"iss":"https://id.example","sub":"01890a5d-ac96-774b-bcce-b302099a8057","aud":["orders","api"],"#,
    r#""exp":1700000900,"iat":1700000000,"jti":"01890a5d-ac96-774b-bcce-b302099a8059","#,
    r#""sid":"01890a5d-ac96-774b-bcce-b302099a8058","auth_time":1699999500,"acr":"urn:ipse:aal:1","#,
    r#""amr":["pwd"],"client_id":"ipse","roles":["support"]}"#
);

/// The claims of a good token of a service.
pub(super) fn service_claims() -> AccessClaims {
    AccessClaims {
        principal: Principal::Service {
            account_id: ServiceAccountId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap(),
            key_id: ApiKeyId::parse("01890a5d-ac96-774b-bcce-b302099a8058").unwrap(),
        },
        grants: Grants::Scope(Rights::parse_scope("orders.* stock.read").unwrap()),
        ..claims()
    }
}

/// Its payload.
pub(super) const SERVICE_PAYLOAD: &str = concat!(
    r#"{"iss":"https://id.example","sub":"01890a5d-ac96-774b-bcce-b302099a8057","aud":["orders","api"],"#,
    r#""exp":1700000900,"iat":1700000000,"jti":"01890a5d-ac96-774b-bcce-b302099a8059","#,
    r#""sid":"01890a5d-ac96-774b-bcce-b302099a8058","client_id":"01890a5d-ac96-774b-bcce-b302099a8057","#,
    r#""scope":"orders.* stock.read"}"#
);

/// The text with one passage replaced, which has to be there.
pub(super) fn altered(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}
