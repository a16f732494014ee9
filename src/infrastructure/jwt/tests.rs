//! What tokens say, which key signs, and what is remembered of tokens. Attacks are tried in `tests/it/attacks`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::fixture::{Fixture, PAYLOAD, SERVICE_PAYLOAD, at, claims, copy, service_claims};
use super::*;
use crate::application::ports::Grants;
use crate::domain::access::subject::Principal;

fn part(token: &Secret, number: usize) -> String {
    let part = token.expose().split('.').nth(number).unwrap();
    String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn header(OpenedKey { key, .. }: &OpenedKey) -> String {
    format!(r#"{{"alg":"{}","typ":"at+jwt","kid":"{}"}}"#, key.algorithm.name(), key.kid)
}

/// What a token says to the process that signed it and remembers it, which is what it says to any other.
fn here_and_elsewhere(fixture: &Fixture, token: &Secret) -> AccessClaims {
    let token = token.expose();
    assert!(fixture.jwt.signed.contains_key(&digest_of(token)));
    let here = fixture.jwt.verify(token, None, at(100)).unwrap();
    assert_eq!(fixture.jwt.checked.get(&digest_of(token)), Some(here.clone()));
    let anew = fixture.elsewhere().verify(token, None, at(100)).unwrap();
    assert_eq!(here.key_id, anew.key_id);
    assert_eq!(here.claims, anew.claims);
    anew.claims.clone()
}

fn verdict_at(fixture: &Fixture, token: &Secret, now: Timestamp) -> Result<Arc<Verified>, TokenRejected> {
    fixture.jwt.verify(token.expose(), Some("api"), now)
}

#[test]
fn a_token_says_what_was_asked_and_reads_back() {
    let fixture = Fixture::new();
    for key in fixture.keys() {
        fixture.jwt.use_keys(&[copy(key)]).unwrap();
        let token = fixture.jwt.sign(&claims()).unwrap();
        assert_eq!(part(&token, 0), header(key));
        assert_eq!(part(&token, 1), PAYLOAD);
        assert_eq!(here_and_elsewhere(&fixture, &token), claims());
        let token = fixture.jwt.sign(&service_claims()).unwrap();
        assert_eq!(part(&token, 1), SERVICE_PAYLOAD);
        assert_eq!(here_and_elsewhere(&fixture, &token), service_claims());
    }
}

#[test]
fn a_token_is_for_its_audiences_or_for_whoever_does_not_ask() {
    let fixture = Fixture::new();
    let token = fixture.jwt.sign(&claims()).unwrap();
    let verdict = |audience| fixture.jwt.verify(token.expose(), audience, at(100));
    for audience in [None, Some("orders"), Some("api")] {
        assert_eq!(verdict(audience).unwrap().claims, claims());
    }
    assert_eq!(verdict(Some("stock")), Err(TokenRejected::Invalid));
}

#[test]
fn of_too_many_roles_none_is_told() {
    let fixture = Fixture::new();
    let sign = |count: usize| {
        let grants = Grants::Roles((0..count).map(|number| format!("{number:064}")).collect());
        let token = fixture.jwt.sign(&AccessClaims { grants, ..claims() }).unwrap();
        here_and_elsewhere(&fixture, &token).grants
    };
    assert!(matches!(sign(22), Grants::Roles(names) if names.len() == 22));
    assert_eq!(sign(23), Grants::Roles(vec![]));
    assert_eq!(sign(100), Grants::Roles(vec![]));
}

#[test]
fn times_are_cut_to_whole_seconds() {
    let fixture = Fixture::new();
    let fraction = time::Duration::microseconds(999_999);
    let mut precise = claims();
    precise.issue_time += fraction;
    precise.expire_time += fraction;
    if let Principal::Person { authentication, .. } = &mut precise.principal {
        authentication.time += fraction;
    }
    assert_eq!(here_and_elsewhere(&fixture, &fixture.jwt.sign(&precise).unwrap()), claims());
}

#[test]
fn the_active_key_signs() {
    let fixture = Fixture::new();
    let (mut older, mut newer) = (copy(&fixture.ed25519), copy(&fixture.es256));
    newer.key.create_time = at(-100);
    newer.key.activate_time = at(0);
    older.key.retire_time = Some(at(0));
    fixture.jwt.use_keys(&[copy(&newer), copy(&older)]).unwrap();
    let signer = |second: i64| {
        let token = fixture.jwt.sign(&AccessClaims { issue_time: at(second), ..claims() })?;
        let header: compact::Header = serde_json::from_str(&part(&token, 0))?;
        Ok::<_, Cause>(header.kid)
    };
    assert_eq!(signer(-1).unwrap(), older.key.kid, "the newer one is only published yet");
    assert_eq!(signer(0).unwrap(), newer.key.kid);
    fixture.jwt.use_keys(&[copy(&newer)]).unwrap();
    assert_eq!(signer(-30).unwrap(), newer.key.kid, "by a clock behind the one that published it");
    newer.key.retire_time = Some(at(20));
    fixture.jwt.use_keys(&[older, newer]).unwrap();
    assert_eq!(signer(20).unwrap_err().downcast_ref(), Some(&SignError::NoActiveKey));
}

#[test]
fn no_token_is_too_long_for_gateways() {
    let fixture = Fixture::new();
    let sign = |filler: usize| {
        fixture.jwt.sign(&AccessClaims { audience: vec![std::iter::repeat_n('a', filler).collect()], ..claims() })
    };
    for key in fixture.keys() {
        fixture.jwt.use_keys(&[copy(key)]).unwrap();
        assert!(sign(2000).unwrap().expose().len() < 4096);
        assert_eq!(sign(2800).unwrap_err().downcast_ref(), Some(&SignError::TooLong));
    }
}

#[test]
fn a_token_that_is_known_is_checked_again_for_all_that_may_change() {
    let fixture = Fixture::new();
    let token = fixture.elsewhere().sign(&claims()).unwrap();
    let verify = |audience, second| fixture.jwt.verify(token.expose(), audience, at(second)).map(|_| ());
    for _ in 0..2 {
        assert_eq!(verify(Some("api"), 0), Ok(()));
        assert_eq!(verify(None, 899), Ok(()));
        assert_eq!(verify(Some("orders"), -60), Ok(()));
        assert_eq!(verify(Some("other"), 0), Err(TokenRejected::Invalid));
        assert_eq!(verify(None, -61), Err(TokenRejected::Invalid));
        assert_eq!(verify(None, 900), Err(TokenRejected::Expired));
    }
    assert_eq!(fixture.jwt.checked.len(), 1);
}

#[test]
fn a_known_token_is_refused_once_its_key_is_gone_or_retired() {
    let fixture = Fixture::new();
    fixture.jwt.use_keys(&[copy(&fixture.ed25519)]).unwrap();
    let token = fixture.jwt.sign(&claims()).unwrap();
    assert!(verdict_at(&fixture, &token, at(100)).is_ok());
    fixture.jwt.use_keys(&[copy(&fixture.es256)]).unwrap();
    assert_eq!(verdict_at(&fixture, &token, at(100)), Err(TokenRejected::Invalid));
    let mut retired = copy(&fixture.ed25519);
    retired.key.drop_time = Some(at(100));
    fixture.jwt.use_keys(&[retired]).unwrap();
    assert!(verdict_at(&fixture, &token, at(99)).is_ok());
    assert_eq!(verdict_at(&fixture, &token, at(100)), Err(TokenRejected::Invalid));
}

#[test]
fn only_the_very_same_text_is_known_and_nothing_that_was_refused() {
    let [asked, signer] = [Fixture::new(), Fixture::new()];
    let signed_elsewhere = asked.elsewhere().sign(&claims()).unwrap();
    let signed_here = signer.jwt.sign(&claims()).unwrap();
    for (fixture, token, signed) in [(asked, signed_elsewhere, 0), (signer, signed_here, 1)] {
        for place in 0..token.expose().len() {
            let other = if token.expose().as_bytes()[place] == b'A' { "B" } else { "A" };
            let mut changed = token.expose().to_owned();
            changed.replace_range(place..=place, other);
            assert!(verdict_at(&fixture, &Secret::new(changed), at(100)).is_err(), "{place}");
            assert!(verdict_at(&fixture, &token, at(100)).is_ok());
        }
        assert_eq!((fixture.jwt.checked.len(), fixture.jwt.signed.len()), (1, signed));
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
    let fixture = Fixture::new();
    let mut foreign = copy(&fixture.ed25519);
    foreign.key.kid = "x".into();
    assert!(fixture.jwt.use_keys(&[foreign]).is_err());
    assert!(fixture.jwt.sign(&claims()).is_ok());
}
