//! The list at the verifier itself, with every algorithm; and what only shows where time and keys can be chosen.

use std::sync::LazyLock;

use ipse::application::ports::{AccessClaims, AccessTokens as _, Grants, OpenedKey, TokenRejected};
use ipse::domain::Timestamp;
use ipse::domain::access::permission::Rights;
use ipse::domain::access::subject::Principal;
use ipse::domain::id::{ApiKeyId, ServiceAccountId, SessionId, TokenId, UserId};
use ipse::domain::session::authentication::{AssuranceLevel, AuthenticationContext};
use ipse::domain::token::signing_key::{SigningAlgorithm, SigningKey};
use ipse::infrastructure::jwt::Jwt;
use proptest::prelude::*;
use time::Duration;
use zeroize::Zeroizing;

use super::claims::{ISSUER, member};
use super::{LIST, good_tokens, signatures};
use crate::support::forge::{Forge, Key, altered};
use crate::support::token;

const INVALID: TokenRejected = TokenRejected::Invalid;

/// A moment in the life of the tokens below.
fn at(second: i64) -> Timestamp {
    Timestamp::from_unix_timestamp(1_700_000_000 + second).unwrap()
}

/// A verifier that takes one key of each algorithm, and these keys for forging.
struct Verifier {
    jwt: Jwt,
    forge: Forge,
}

/// Finding two primes takes so long that all tests share them.
static RSA: LazyLock<Key> = LazyLock::new(|| Key::new(SigningAlgorithm::Rs256));

impl Verifier {
    fn new(algorithm: SigningAlgorithm) -> Self {
        let keys = vec![Key::new(SigningAlgorithm::Es256), Key::new(SigningAlgorithm::EdDsa), RSA.clone()];
        let jwt = Jwt::new(ISSUER.to_owned());
        jwt.use_keys(&keys.iter().map(opened).collect::<Vec<_>>()).unwrap();
        let [person, service] = [person(), service()].map(|claims| token::payload(jwt.sign(&claims).unwrap().expose()));
        Self { jwt, forge: Forge { keys, algorithm, person, service, now: at(100).unix_timestamp() } }
    }

    fn verdict(&self, token: &str) -> Result<AccessClaims, TokenRejected> {
        self.verdict_at(token, at(100))
    }

    fn verdict_at(&self, token: &str, now: Timestamp) -> Result<AccessClaims, TokenRejected> {
        self.jwt.verify(token, Some(ISSUER), now).map(|verified| verified.claims.clone())
    }
}

/// A key that was made long ago and signs without end.
fn opened(key: &Key) -> OpenedKey {
    let stored = SigningKey {
        kid: key.kid.clone(),
        algorithm: key.algorithm,
        public_jwk: key.public.to_string(),
        sealed_private_key: vec![],
        create_time: at(-2000),
        activate_time: at(-1000),
        retire_time: None,
        drop_time: None,
    };
    OpenedKey { key: stored, private_key: Zeroizing::new(key.private.clone()) }
}

/// The claims of a good token that was issued at second 0.
fn person() -> AccessClaims {
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
        audience: vec!["orders".into(), ISSUER.into()],
        issue_time: at(0),
        expire_time: at(0) + Duration::minutes(15),
    }
}

fn service() -> AccessClaims {
    AccessClaims {
        principal: Principal::Service {
            account_id: ServiceAccountId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap(),
            key_id: ApiKeyId::parse("01890a5d-ac96-774b-bcce-b302099a8058").unwrap(),
        },
        grants: Grants::Scope(Rights::parse_scope("orders.* stock.read").unwrap()),
        ..person()
    }
}

#[test]
fn known_attacks_are_refused() {
    for algorithm in SigningAlgorithm::ALL {
        let verifier = Verifier::new(algorithm);
        for (attack, tokens) in LIST {
            for token in tokens(&verifier.forge) {
                assert_eq!(verifier.verdict(&token), Err(INVALID), "{algorithm:?}: {attack}: {token}");
            }
        }
    }
}

#[test]
fn good_tokens_are_accepted() {
    for algorithm in SigningAlgorithm::ALL {
        let Verifier { jwt, forge } = Verifier::new(algorithm);
        for good in good_tokens(&forge) {
            let verified = jwt.verify(&good, Some(ISSUER), at(100)).unwrap_or_else(|_| panic!("{algorithm:?}: {good}"));
            let of_service = token::payload(&good) == forge.service;
            let mut expected = if of_service { service() } else { person() };
            if verified.claims.audience.len() == 1 {
                expected.audience = vec![ISSUER.to_owned()];
            }
            assert_eq!(verified.claims, expected);
        }
    }
}

#[test]
fn expiry_has_no_leeway_and_is_told_only_of_genuine_tokens() {
    let verifier = Verifier::new(SigningAlgorithm::EdDsa);
    let forge = &verifier.forge;
    let token = forge.genuine();
    let last = at(900) - Duration::MICROSECOND;
    assert_eq!(verifier.verdict_at(&token, last), Ok(person()));
    for second in [900, 961, 1_000_000] {
        assert_eq!(verifier.verdict_at(&token, at(second)), Err(TokenRejected::Expired));
    }
    assert_eq!(verifier.verdict_at(&token, at(-60)), Ok(person()), "a clock that is 60 s behind");
    assert_eq!(verifier.verdict_at(&token, at(-61)), Err(INVALID));
    let audience = member(&forge.person, "aud");
    let mut forged = signatures::of_another_message(forge);
    forged.extend([
        forge.sign(altered(&forge.person, "id.example", "id.examplf")),
        forge.sign(altered(&forge.person, &audience, r#""aud":["orders"]"#)),
        forge.signer().sign(altered(&forge.signer().header(), "at+jwt", "JWT"), &forge.person),
    ]);
    for forged in forged {
        assert_eq!(verifier.verdict_at(&forged, at(1000)), Err(INVALID), "{forged}");
    }
}

#[test]
fn a_key_verifies_until_it_is_dropped() {
    let verifier = Verifier::new(SigningAlgorithm::EdDsa);
    let token = verifier.forge.genuine();
    let key = |drop_second| {
        let mut key = opened(verifier.forge.signer());
        key.key.retire_time = Some(at(50));
        key.key.drop_time = Some(at(drop_second));
        key
    };
    verifier.jwt.use_keys(&[key(101)]).unwrap();
    assert_eq!(verifier.verdict(&token), Ok(person()));
    verifier.jwt.use_keys(&[key(100)]).unwrap();
    assert_eq!(verifier.verdict(&token), Err(INVALID));
    verifier.jwt.use_keys(&[]).unwrap();
    assert_eq!(verifier.verdict(&token), Err(INVALID));
}

#[test]
fn tokens_over_8_kib_are_not_looked_at() {
    let verifier = Verifier::new(SigningAlgorithm::EdDsa);
    let forge = &verifier.forge;
    let token = |filler: usize| forge.sign(altered(&forge.person, "pwd", &"a".repeat(filler)));
    let (mut within, mut beyond) = (0, 0);
    for filler in 5600..5720 {
        let token = token(filler);
        assert_eq!(verifier.verdict(&token).is_ok(), token.len() <= 8192, "{}", token.len());
        if token.len() <= 8192 { within += 1 } else { beyond += 1 }
    }
    assert!(within > 0 && beyond > 0, "the limit lies between");
    assert_eq!(verifier.verdict(&token(1 << 20)), Err(INVALID));
}

thread_local!(static VERIFIER: Verifier = Verifier::new(SigningAlgorithm::EdDsa));

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_mutation_of_a_token_verifies(
        place in any::<prop::sample::Index>(),
        with in "[A-Za-z0-9_.=+/ \u{e9}-]",
        kind in 0..4,
        signer in 0..3_usize,
    ) {
        VERIFIER.with(|verifier| {
            let token = verifier.forge.token_of(&verifier.forge.keys[signer]);
            let (before, after) = token.split_at(place.index(token.len()));
            let mutated = match kind {
                0 => format!("{before}{with}{}", &after[1..]),
                1 => format!("{before}{with}{after}"),
                2 => format!("{before}{}", &after[1..]),
                _ => before.to_owned(),
            };
            prop_assert_eq!(verifier.verdict(&mutated).is_ok(), mutated == token, "{}", mutated);
            Ok(())
        })?;
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,60}(\\.[A-Za-z0-9_-]{0,90}){0,4}") {
        prop_assert_eq!(VERIFIER.with(|verifier| verifier.verdict(&text)), Err(INVALID));
    }
}
