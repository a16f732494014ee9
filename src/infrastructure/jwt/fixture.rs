//! Keys and claims for the tests of this folder.

use std::sync::LazyLock;

use time::Duration;
use zeroize::Zeroizing;

use super::Jwt;
use crate::application::ports::{AccessClaims, AccessTokens, Grants, KeyGenerator, NewKeyPair, OpenedKey};
use crate::domain::Timestamp;
use crate::domain::access::permission::Rights;
use crate::domain::access::subject::Principal;
use crate::domain::id::{ApiKeyId, ServiceAccountId, SessionId, TokenId, UserId};
use crate::domain::session::authentication::{AssuranceLevel, AuthenticationContext};
use crate::domain::token::signing_key::{SigningAlgorithm, SigningKey};

const ISSUER: &str = "https://id.example";

/// A moment in the life of the tokens below.
pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_unix_timestamp(1_700_000_000 + second).unwrap()
}

/// A server with one active key of each algorithm.
pub(super) struct Fixture {
    pub jwt: Jwt,
    pub es256: OpenedKey,
    pub ed25519: OpenedKey,
    pub rs256: OpenedKey,
}

/// Finding two primes takes so long that all tests share them.
static RS256: LazyLock<OpenedKey> = LazyLock::new(|| new_key(SigningAlgorithm::Rs256));

impl Fixture {
    pub(super) fn new() -> Self {
        let (es256, ed25519) = (new_key(SigningAlgorithm::Es256), new_key(SigningAlgorithm::EdDsa));
        let fixture = Self { jwt: Jwt::new(ISSUER.into()), es256, ed25519, rs256: copy(&RS256) };
        fixture.jwt.use_keys(&fixture.keys().map(copy)).unwrap();
        fixture
    }

    /// The keys of all algorithms; tokens are signed with the first.
    pub(super) fn keys(&self) -> [&OpenedKey; 3] {
        [&self.ed25519, &self.es256, &self.rs256]
    }

    /// Another process with the same keys.
    pub(super) fn elsewhere(&self) -> Jwt {
        let jwt = Jwt::new(ISSUER.into());
        jwt.use_keys(&self.keys().map(copy)).unwrap();
        jwt
    }
}

fn new_key(algorithm: SigningAlgorithm) -> OpenedKey {
    let NewKeyPair { kid, public_jwk, private_key } = Jwt::new(ISSUER.into()).generate(algorithm).unwrap();
    OpenedKey { key: SigningKey { public_jwk, ..stored(kid, algorithm) }, private_key }
}

/// A key that was made long ago and signs without end.
pub(super) fn stored(kid: String, algorithm: SigningAlgorithm) -> SigningKey {
    SigningKey {
        kid,
        algorithm,
        public_jwk: "{}".into(),
        sealed_private_key: vec![],
        create_time: at(-2000),
        activate_time: at(-1000),
        retire_time: None,
        drop_time: None,
    }
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
            authentication: AuthenticationContext {
                time: at(-500),
                methods: vec!["pwd".to_owned()],
                level: AssuranceLevel::Aal1,
            },
        },
        grants: Grants::Roles(vec!["support".into()]),
        token_id: TokenId::parse("01890a5d-ac96-774b-bcce-b302099a8059").unwrap(),
        audience: vec!["orders".into(), "api".into()],
        issue_time: at(0),
        expire_time: at(0) + Duration::minutes(15),
    }
}

/// The payload of such a token.
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

/// The payload of such a token.
pub(super) const SERVICE_PAYLOAD: &str = concat!(
    r#"{"iss":"https://id.example","sub":"01890a5d-ac96-774b-bcce-b302099a8057","aud":["orders","api"],"#,
    r#""exp":1700000900,"iat":1700000000,"jti":"01890a5d-ac96-774b-bcce-b302099a8059","#,
    r#""sid":"01890a5d-ac96-774b-bcce-b302099a8058","client_id":"01890a5d-ac96-774b-bcce-b302099a8057","#,
    r#""scope":"orders.* stock.read"}"#
);
