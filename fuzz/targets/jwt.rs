//! Access tokens with genuine signatures over anything: what is accepted, a general library accepts too, and says no more
//! than it is understood to say.
#![no_main]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ipse::application::ports::{AccessTokens as _, Verified};
use ipse::domain::Timestamp;
use ipse::domain::token::signing_key::SigningAlgorithm;
use ipse_fuzz::Input;
use ipse_fuzz::issuer::{ISSUER, Issuer};
use jsonwebtoken::{Validation, crypto, decode};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};
use time::macros::datetime;

const NOW: Timestamp = datetime!(2023-11-14 22:13:20 UTC);
const MEMBERS: [&str; 13] =
    ["iss", "sub", "aud", "exp", "iat", "jti", "sid", "auth_time", "acr", "amr", "client_id", "roles", "scope"];

static ISSUERS: LazyLock<[Issuer; 2]> =
    LazyLock::new(|| [SigningAlgorithm::EdDsa, SigningAlgorithm::Es256].map(|algorithm| Issuer::new(algorithm, NOW)));

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input(bytes);
    let issuer = input.choose(&*ISSUERS);
    let header = String::from_utf8_lossy(input.part()).replace("KID", &issuer.kid);
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(input.part()));
    let signature = crypto::sign(signed.as_bytes(), &issuer.private, issuer.algorithm).unwrap();
    let token = format!("{signed}.{signature}");
    if let Ok(verified) = issuer.jwt.verify(&token, None, NOW) {
        check(issuer, &token, &verified);
    }
    let place = usize::from(u16::from_be_bytes([input.byte(), input.byte()])) % token.len();
    let mut changed = token.clone();
    changed.replace_range(place..=place, char::from(input.byte() % 128).encode_utf8(&mut [0; 4]));
    assert!(changed == token || issuer.jwt.verify(&changed, None, NOW).is_err(), "{changed}");
    assert!(issuer.jwt.verify(&String::from_utf8_lossy(bytes), None, NOW).is_err(), "nobody guesses a token");
});

fn check(issuer: &Issuer, token: &str, verified: &Verified) {
    let mut validation = Validation::new(issuer.algorithm);
    validation.set_issuer(&[ISSUER]);
    (validation.validate_exp, validation.validate_aud) = (false, false);
    let read = decode::<Map<String, Value>>(token, &issuer.public, &validation).expect("a general library accepts it");
    assert_eq!((read.header.alg, read.header.kid.as_deref()), (issuer.algorithm, Some(issuer.kid.as_str())));
    assert!(read.claims.keys().all(|name| MEMBERS.contains(&name.as_str())), "{:?}", read.claims);
    let (claims, subject) = (&verified.claims, verified.claims.principal.subject().to_string());
    assert!(read.claims["sub"].as_str().is_some_and(|sub| sub.eq_ignore_ascii_case(&subject)));
    assert!(read.claims["exp"].as_i64().is_some_and(|exp| exp > NOW.unix_timestamp() - 61));
    if let Ok(again) = issuer.jwt.sign(claims) {
        let again = issuer.jwt.verify(again.expose(), None, NOW).expect("what was accepted can be said again");
        assert_eq!((&again.claims.principal, &again.claims.audience), (&claims.principal, &claims.audience));
    }
}
