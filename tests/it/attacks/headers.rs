//! Headers that try to choose the algorithm, the key or the reading.

use ipse::domain::token::signing_key::SigningAlgorithm;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::forms;
use crate::support::forge::{Forge, Key, altered, stranger, with_member};

const ALGORITHMS: [&str; 32] = [
    r#""none""#,
    r#""noNE""#,
    r#""None""#,
    r#""NONE""#,
    r#""""#,
    "null",
    "5",
    r#"["EdDSA"]"#,
    r#"["ES256"]"#,
    r#""ES256""#,
    r#""es256""#,
    r#""EdDSA""#,
    r#""eddsa""#,
    r#""Ed25519""#,
    r#""ES256K""#,
    r#""ES384""#,
    r#""ES512""#,
    r#""RS256""#,
    r#""rs256""#,
    r#""RS384""#,
    r#""RS512""#,
    r#""PS256""#,
    r#""HS256""#,
    r#""HS512""#,
    r#""PBES2-HS256+A128KW""#,
    r#""dir""#,
    r#""RSA1_5""#,
    r#"" EdDSA""#,
    r#""EdDSA\u0000""#,
    r#"" ES256""#,
    r#""ES256\u0000""#,
    r#""RS256 ""#,
];

const KEY_NAMES: [&str; 14] = [
    r#""""#,
    "null",
    "7",
    "[]",
    r#"["a"]"#,
    r#""../../x""#,
    r#""../../../dev/null""#,
    r#""../../etc/passwd""#,
    r#""' OR 1=1--""#,
    r#""a\u0000b""#,
    r#""\u0000""#,
    r#""\u00e9""#,
    r#""unknown""#,
    r#""kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k""#,
];

const MEMBERS: [&str; 19] = [
    r#""jku":"https://attacker.example/jwks.json""#,
    r#""x5u":"https://attacker.example/cert.pem""#,
    r#""x5c":["MIIB"]"#,
    r#""x5t":"AAAA""#,
    r#""crit":["x"]"#,
    r#""crit":[]"#,
    r#""b64":false"#,
    r#""b64":false,"crit":["b64"]"#,
    r#""b64":true"#,
    r#""zip":"DEF""#,
    r#""cty":"JWT""#,
    r#""p2c":2147483647"#,
    r#""enc":"A128GCM""#,
    r#""alg":"EdDSA""#,
    r#""alg":"ES256""#,
    r#""alg":"none""#,
    r#""typ":"at+jwt""#,
    r#""kid":"x""#,
    r#""x":null"#,
];

const TYPES: [&str; 11] = [
    r#""JWT""#,
    r#""id+jwt""#,
    r#""logout+jwt""#,
    r#""application/jwt""#,
    r#""jwt""#,
    r#""at+jwt ""#,
    r#""""#,
    "null",
    r#""text/at+jwt""#,
    r#""ipse-page+jwt""#,
    r#"["at+jwt"]"#,
];

pub(super) fn other_algorithms(forge: &Forge) -> Vec<String> {
    let (header, own) = (forge.signer().header(), format!("\"{}\"", forge.signer().name()));
    let others = ALGORITHMS.into_iter().filter(|name| *name != own).map(|name| altered(&header, &own, name));
    let absent = altered(&header, &format!(r#""alg":{own},"#), "");
    let mut forged = under_each_signature(forge, others.chain([absent]));
    forged.push(format!("{}.", forge.genuine().rsplit_once('.').unwrap().0));
    for changed in [r#""dir","enc":"A128GCM""#, r#""PBES2-HS256+A128KW","p2c":2147483647"#] {
        forged.extend(under_each_signature(forge, [altered(&header, &own, changed)]));
    }
    forged
}

/// A genuine signature of one family under the algorithm, the key or both of another one.
pub(super) fn mixed_families(forge: &Forge) -> Vec<String> {
    let mut forged = Vec::new();
    for signer in &forge.keys {
        let right = signer.header();
        for other in forge.keys.iter().filter(|other| other.kid != signer.kid) {
            let algorithm = altered(&right, signer.name(), other.name());
            let key = altered(&right, &signer.kid, &other.kid);
            let both = altered(&algorithm, &signer.kid, &other.kid);
            forged.extend([algorithm, key, both].map(|header| signer.sign(header, &forge.person)));
        }
    }
    forged
}

pub(super) fn strangers(forge: &Forge) -> Vec<String> {
    let sign = |key: &Key| {
        let (stranger, right) = (stranger(key.algorithm), key.header());
        let own = stranger.header();
        let jwk = format!(r#""jwk":{}"#, stranger.public);
        [
            right.clone(),
            own.clone(),
            with_member(&right, &jwk),
            with_member(&own, &jwk),
            with_member(&right, r#""jku":"http://127.0.0.1:1/jwks.json""#),
            with_member(&own, r#""jku":"http://127.0.0.1:1/jwks.json""#),
            with_member(&right, r#""x5u":"http://127.0.0.1:1/x.pem","x5c":["AAAA"]"#),
            altered(&right, &key.kid, "x"),
        ]
        .map(|header| stranger.sign(header, &forge.person))
    };
    forge.keys.iter().flat_map(sign).collect()
}

/// The other signatures of an RSA key: the key is one for RS256 alone.
pub(super) fn other_rsa_schemes(forge: &Forge) -> Vec<String> {
    let key = forge.key(SigningAlgorithm::Rs256);
    let right = key.header();
    let schemes = [
        ("RS384", Algorithm::RS384),
        ("RS512", Algorithm::RS512),
        ("PS256", Algorithm::PS256),
        ("PS384", Algorithm::PS384),
        ("PS512", Algorithm::PS512),
    ];
    let sign = |(name, scheme): (&str, Algorithm)| {
        [right.clone(), altered(&right, "RS256", name)].map(|header| key.sign_as(scheme, header, &forge.person))
    };
    schemes.into_iter().flat_map(sign).collect()
}

pub(super) fn other_key_names(forge: &Forge) -> Vec<String> {
    let header = forge.signer().header();
    let known = format!("\"{}\"", forge.signer().kid);
    let long = [129, 2000, 4000].map(|length| format!("\"{}\"", "k".repeat(length)));
    let names = KEY_NAMES.map(str::to_owned).into_iter().chain(long);
    let names = names.chain([altered(&known, "\"", "\" "), "\"\u{e9}\"".to_owned(), r#""k""#.to_owned()]);
    let headers = names.map(|name| altered(&header, &known, &name));
    let absent = altered(&header, &format!(r#","kid":{known}"#), "");
    under_each_signature(forge, headers.chain([absent]))
}

pub(super) fn extra_members(forge: &Forge) -> Vec<String> {
    let header = forge.signer().header();
    let keys = [&stranger(forge.algorithm).public, &forge.signer().public].map(|jwk| format!(r#""jwk":{jwk}"#));
    let members = MEMBERS.map(str::to_owned).into_iter().chain(keys);
    let headers =
        members.flat_map(|member| [with_member(&header, &member), altered(&header, "{", &format!("{{{member},"))]);
    under_each_signature(forge, headers)
}

pub(super) fn other_types(forge: &Forge) -> Vec<String> {
    let header = forge.signer().header();
    let others = TYPES.map(|typ| altered(&header, r#""at+jwt""#, typ));
    let absent = altered(&header, r#""typ":"at+jwt","#, "");
    under_each_signature(forge, others.into_iter().chain([absent]))
}

pub(super) fn places_of_keys(forge: &Forge) -> Vec<String> {
    that_name(forge, "https://attacker.example/")
}

/// Tokens that name a place to get the key from, or something else.
pub(super) fn that_name(forge: &Forge, url: &str) -> Vec<String> {
    let (key, url) = (forge.signer(), json!(url));
    let header = key.header();
    let mut forged: Vec<_> = ["jku", "x5u", "iss", "kid", "url", "jwks_uri"]
        .iter()
        .map(|name| with_member(&header, &format!(r#""{name}":{url}"#)))
        .chain([altered(&header, &format!("\"{}\"", key.kid), &url.to_string())])
        .map(|header| key.sign(header, &forge.person))
        .collect();
    let claims: Value = serde_json::from_str(&forge.person).unwrap();
    let elsewhere = altered(&forge.person, &format!(r#""iss":{}"#, claims["iss"]), &format!(r#""iss":{url}"#));
    forged.extend([elsewhere, with_member(&forge.person, &format!(r#""jku":{url}"#))].map(|claims| forge.sign(claims)));
    forged
}

pub(super) fn loose_json(forge: &Forge) -> Vec<String> {
    let key = forge.signer();
    let values = format!(r#"["{}","at+jwt","{}"]"#, key.name(), key.kid);
    let mut headers = forms::loose_json(&key.header(), &values);
    headers.push(format!("{} {{}}", key.header()).into_bytes());
    headers.push(b"[".repeat(3000));
    under_each_signature(forge, headers)
}

/// Headers with a genuine signature each, with that of the good token, and without any.
fn under_each_signature<H: AsRef<[u8]>>(forge: &Forge, headers: impl IntoIterator<Item = H>) -> Vec<String> {
    let genuine = forge.genuine();
    let (_, old) = genuine.rsplit_once('.').unwrap();
    let forge_all = |header: H| {
        let token = forge.signer().sign(header, &forge.person);
        let signed = token.rsplit_once('.').unwrap().0;
        [format!("{signed}.{old}"), format!("{signed}."), token.clone()]
    };
    headers.into_iter().flat_map(forge_all).collect()
}
