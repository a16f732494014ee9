//! Known attacks on the verification of JSON Web Tokens, each as one line of a table. Where a token carries a genuine
//! signature although only an attacker would make it, the test shows that the check in question does not lean on it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use proptest::prelude::*;

use super::forge::{Forge, PAYLOAD, altered, at, claims, copy, new_key, with_signature};
use crate::application::ports::{AccessTokens, TokenRejected};
use crate::domain::signing_key::SigningAlgorithm;

const INVALID: TokenRejected = TokenRejected::Invalid;

#[test]
fn good_tokens_are_accepted() {
    let forge = Forge::new();
    assert_eq!(forge.verdict(&forge.signed_with_p256(PAYLOAD)), Ok(claims()));
    let header = Forge::header(&forge.ed25519);
    for accepted in ["at+jwt", "at+JWT", "AT+JWT", "application/at+jwt", "Application/AT+JWT"] {
        let token = forge.signed(altered(&header, "at+jwt", accepted), PAYLOAD);
        assert_eq!(forge.verdict(&token), Ok(claims()), "{accepted}");
    }
    let lone_audience = altered(PAYLOAD, r#"["orders","api"]"#, r#""api""#);
    assert_eq!(forge.verdict(&forge.signed(header, lone_audience)).unwrap().audience, ["api"]);
}

#[test]
fn an_algorithm_other_than_the_keys_is_refused() {
    let forge = Forge::new();
    let header = Forge::header(&forge.ed25519);
    for algorithm in [
        r#""none""#,
        r#""noNE""#,
        r#""None""#,
        r#""NONE""#,
        r#""""#,
        "null",
        "5",
        r#"["EdDSA"]"#,
        r#""ES256""#,
        r#""es256""#,
        r#""eddsa""#,
        r#""Ed25519""#,
        r#""ES256K""#,
        r#""ES384""#,
        r#""RS256""#,
        r#""PS256""#,
        r#""HS256""#,
        r#""PBES2-HS256+A128KW""#,
        r#""dir""#,
        r#""RSA1_5""#,
        r#"" EdDSA""#,
        r#""EdDSA\u0000""#,
    ] {
        let forged = altered(&header, r#""EdDSA""#, algorithm);
        let token = forge.signed(&forged, PAYLOAD);
        assert_eq!(forge.verdict(&token), Err(INVALID), "{algorithm}");
        let unsigned = token.rsplit_once('.').unwrap().0;
        assert_eq!(forge.verdict(&format!("{unsigned}.")), Err(INVALID), "{algorithm} without signature");
    }
    let absent = altered(&header, r#""alg":"EdDSA","#, "");
    assert_eq!(forge.verdict(&forge.signed(absent, PAYLOAD)), Err(INVALID));
    // The right algorithm for the signature, the name of a key of the other family.
    let swapped = altered(&header, &forge.ed25519.key.kid, &forge.p256.key.kid);
    assert_eq!(forge.verdict(&forge.signed(swapped, PAYLOAD)), Err(INVALID));
}

#[test]
fn a_public_key_is_not_taken_for_a_shared_secret() {
    let forge = Forge::new();
    for key in [&forge.ed25519, &forge.p256] {
        let jwk: serde_json::Value = serde_json::from_str(&key.key.public_jwk).unwrap();
        let x = jwk["x"].as_str().unwrap();
        let raw = URL_SAFE_NO_PAD.decode(x).unwrap();
        // The fixed DER head of an Ed25519 public key (RFC 8410, section 4).
        let der = [&[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00][..], &raw[..]].concat();
        for secret in [&raw[..], x.as_bytes(), &der[..], key.key.public_jwk.as_bytes(), b""] {
            for algorithm in ["HS256", key.key.algorithm.name()] {
                let header = altered(&Forge::header(key), key.key.algorithm.name(), algorithm);
                let token = with_signature(header, PAYLOAD, &EncodingKey::from_secret(secret), Algorithm::HS256);
                assert_eq!(forge.verdict(&token), Err(INVALID), "{algorithm}");
            }
        }
    }
}

#[test]
fn a_signature_has_one_form() {
    let forge = Forge::new();
    for token in [forge.signed(Forge::header(&forge.ed25519), PAYLOAD), forge.signed_with_p256(PAYLOAD)] {
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let (r, s) = signature.split_at(32);
        let integer = |number: &[u8]| [&[0x02, 0x21, 0x00][..], number].concat();
        for forged in [
            vec![],
            vec![0; 64],
            [&[1][..], &[0; 63]].concat(),
            [r, &[0; 32]].concat(),
            [&[0; 32], s].concat(),
            [s, r].concat(),
            signature[..63].to_vec(),
            [&signature[..], &[0]].concat(),
            [&[0], &signature[..]].concat(),
            [&[0x30, 0x46][..], &integer(r), &integer(s)].concat(),
            [r, &plus_group_order(s)].concat(),
        ] {
            let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(&forged));
            assert_eq!(forge.verdict(&token), Err(INVALID), "{forged:02x?}");
        }
    }
}

/// Adds the order of the Ed25519 group, in little-endian bytes.
fn plus_group_order(s: &[u8]) -> Vec<u8> {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0;
    let add = |(a, b): (&u8, u8)| {
        carry += u16::from(*a) + u16::from(b);
        let [low, high] = carry.to_le_bytes();
        carry = u16::from(high);
        low
    };
    s.iter().zip(ORDER).map(add).collect()
}

/// ECDSA has a second signature for each message (n - s), which JWS does not forbid. It must not make a second token:
/// whoever revokes one names it by its claims.
#[test]
fn the_twin_of_an_ecdsa_signature_carries_the_same_claims() {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad,
        0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let forge = Forge::new();
    let token = forge.signed_with_p256(PAYLOAD);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut borrow = 0;
    for (s, n) in signature[32..].iter_mut().zip(ORDER).rev() {
        let difference = i16::from(n) - i16::from(*s) - borrow;
        borrow = i16::from(difference < 0);
        *s = difference.to_le_bytes()[0];
    }
    let twin = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
    assert_ne!(twin, token);
    assert_eq!(forge.verdict(&twin), forge.verdict(&token));
}

#[test]
fn only_the_name_of_a_living_key_is_looked_up() {
    let forge = Forge::new();
    let header = Forge::header(&forge.ed25519);
    let known = format!(r#""{}""#, forge.ed25519.key.kid);
    for kid in [
        r#""""#,
        "null",
        "7",
        r#"["a"]"#,
        r#""../../../dev/null""#,
        r#""' OR 1=1--""#,
        r#""a\u0000b""#,
        r#""\u00e9""#,
        r#""unknown""#,
        r#""kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k""#,
        &format!(r#""{}""#, "k".repeat(129)),
        &altered(&known, "\"", "\" "),
    ] {
        assert_eq!(forge.verdict(&forge.signed(altered(&header, &known, kid), PAYLOAD)), Err(INVALID), "{kid}");
    }
    let absent = altered(&header, &format!(r#","kid":{known}"#), "");
    assert_eq!(forge.verdict(&forge.signed(absent, PAYLOAD)), Err(INVALID));
}

#[test]
fn a_key_verifies_until_it_is_dropped() {
    let forge = Forge::new();
    let token = forge.signed(Forge::header(&forge.ed25519), PAYLOAD);
    let mut key = copy(&forge.ed25519);
    key.key.retire_time = Some(at(50));
    key.key.drop_time = Some(at(101));
    forge.jwt.use_keys(&[copy(&key)]).unwrap();
    assert_eq!(forge.verdict(&token), Ok(claims()));
    key.key.drop_time = Some(at(100));
    forge.jwt.use_keys(&[key]).unwrap();
    assert_eq!(forge.verdict(&token), Err(INVALID));
    forge.jwt.use_keys(&[]).unwrap();
    assert_eq!(forge.verdict(&token), Err(INVALID));
}

#[test]
fn no_header_member_beyond_the_three_is_taken() {
    let forge = Forge::new();
    let header = Forge::header(&forge.ed25519);
    let attacker = new_key(&forge.jwt, SigningAlgorithm::EdDsa).key.public_jwk;
    for member in [
        r#""jku":"https://attacker.example/jwks.json""#,
        r#""x5u":"https://attacker.example/cert.pem""#,
        r#""x5c":["MIIB"]"#,
        r#""x5t":"AAAA""#,
        &format!(r#""jwk":{attacker}"#),
        r#""crit":["x"]"#,
        r#""crit":[]"#,
        r#""b64":false"#,
        r#""b64":true"#,
        r#""zip":"DEF""#,
        r#""cty":"JWT""#,
        r#""p2c":2147483647"#,
        r#""enc":"A128GCM""#,
        r#""alg":"EdDSA""#,
        r#""typ":"at+jwt""#,
        r#""kid":"x""#,
        r#""x":null"#,
    ] {
        for forged in [altered(&header, "}", &format!(",{member}}}")), altered(&header, "{", &format!("{{{member},"))] {
            assert_eq!(forge.verdict(&forge.signed(&forged, PAYLOAD)), Err(INVALID), "{forged}");
        }
    }
}

#[test]
fn tokens_of_other_types_are_refused() {
    let forge = Forge::new();
    let header = Forge::header(&forge.ed25519);
    for typ in [
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
    ] {
        assert_eq!(forge.verdict(&forge.signed(altered(&header, r#""at+jwt""#, typ), PAYLOAD)), Err(INVALID), "{typ}");
    }
    let absent = altered(&header, r#""typ":"at+jwt","#, "");
    assert_eq!(forge.verdict(&forge.signed(absent, PAYLOAD)), Err(INVALID));
}

#[test]
fn each_claim_is_present_once_in_its_type_and_in_range() {
    let forge = Forge::new();
    let header = Forge::header(&forge.ed25519);
    let refused = |payload: &str| {
        assert_eq!(forge.verdict(&forge.signed(&header, payload)), Err(INVALID), "{payload}");
    };
    let good: serde_json::Value = serde_json::from_str(PAYLOAD).unwrap();
    for (name, value) in good.as_object().unwrap() {
        let mut absent = good.clone();
        absent.as_object_mut().unwrap().remove(name);
        refused(&absent.to_string());
        let member = format!(r#""{name}":{value}"#);
        refused(&altered(PAYLOAD, &member, &format!("{member},{member}")));
        for wrong in ["null", "{}", "[[]]", "[7]", "true", "1.5", "1e400", r#""x""#, r#""\ud800""#] {
            // Any text is a level: only this server writes one.
            if name != "acr" || wrong != r#""x""# {
                refused(&altered(PAYLOAD, &member, &format!(r#""{name}":{wrong}"#)));
            }
        }
    }
    for (from, to) in [
        ("1700000900", r#""1700000900""#),
        ("1700000900", "1700000900.0"),
        ("1700000900", "17000009e2"),
        ("1700000900", "9223372036854775807"),
        ("1700000900", "9223372036854775808"),
        ("1700000900", "-9223372036854775808"),
        ("1700000900", "1700003601"),
        ("1700000900", "1700000000"),
        (r#""iat":1700000000"#, r#""iat":1700000161"#),
        (r#""iat":1700000000"#, r#""iat":-1"#),
        (r#""exp":1700000900"#, r#""exp":-1"#),
        ("https://id.example", "https://id.example/"),
        ("https://id.example", "https://ID.example"),
        ("https://id.example", "https://other.example"),
        (r#""https://id.example""#, r#"["https://id.example"]"#),
        (r#"["orders","api"]"#, "[]"),
        (r#"["orders","api"]"#, r#"["orders"]"#),
        (r#"["orders","api"]"#, r#""orders""#),
        (r#"["orders","api"]"#, r#""ap""#),
        (r#"["orders","api"]"#, r#""api2""#),
        (r#"["orders","api"]"#, r#""API""#),
        (r#"["orders","api"]"#, r#""orders api""#),
        ("01890a5d-ac96-774b-bcce-b302099a8057", ""),
        ("01890a5d-ac96-774b-bcce-b302099a8057", "u1"),
        ("01890a5d-ac96-774b-bcce-b302099a8057", "01890a5dac96774bbcceb302099a8057"),
        (r#""client_id":"ipse""#, r#""client_id":"other""#),
        (r#""acr""#, r#""nbf":1700000161,"acr""#),
        (r#""acr""#, r#""email":"a@b.de","acr""#),
    ] {
        refused(&altered(PAYLOAD, from, to));
    }
}

#[test]
fn expiry_has_no_leeway_and_is_told_only_of_genuine_tokens() {
    let forge = Forge::new();
    let header = Forge::header(&forge.ed25519);
    let token = forge.signed(&header, PAYLOAD);
    let last = at(900) - time::Duration::MICROSECOND;
    assert_eq!(forge.jwt.verify(&token, last), Ok(claims()));
    for second in [900, 961, 1_000_000] {
        assert_eq!(forge.jwt.verify(&token, at(second)), Err(TokenRejected::Expired));
    }
    assert_eq!(forge.jwt.verify(&token, at(-60)), Ok(claims()), "a clock that is 60 s behind");
    assert_eq!(forge.jwt.verify(&token, at(-61)), Err(INVALID));
    let (signed, _) = token.rsplit_once('.').unwrap();
    let (_, signature) = forge.signed(&header, "{}").rsplit_once('.').map(|(a, b)| (a.len(), b.to_owned())).unwrap();
    for forged in [
        format!("{signed}.{signature}"),
        forge.signed(&header, altered(PAYLOAD, "id.example", "id.examplf")),
        forge.signed(&header, altered(PAYLOAD, r#""api""#, r#""apj""#)),
        forge.signed(altered(&header, "at+jwt", "JWT"), PAYLOAD),
    ] {
        assert_eq!(forge.jwt.verify(&forged, at(1000)), Err(INVALID), "{forged}");
    }
}

#[test]
fn json_is_read_strictly() {
    let forge = Forge::new();
    let header = Forge::header(&forge.ed25519);
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let forms = |text: &str, values: &str| {
        [
            vec![],
            b"null".to_vec(),
            b"{}".to_vec(),
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            utf16(text),
            format!("{text}{text}").into_bytes(),
            format!("{text}\0").into_bytes(),
            format!(" {text}").into_bytes(),
            format!("[{text}]").into_bytes(),
            values.as_bytes().to_vec(),
            altered(text, "}", ",}").into_bytes(),
            altered(text, "}", r#","x":"\ud800"}"#).into_bytes(),
            altered(text, "{", "{/**/").into_bytes(),
            [text.as_bytes(), b"\xff"].concat(),
            format!("{}{}", "[".repeat(2500), "]".repeat(2500)).into_bytes(),
            altered(text, "}", &format!(r#","x":{}{}}}"#, "[".repeat(2000), "]".repeat(2000))).into_bytes(),
        ]
    };
    let values = format!(r#"["EdDSA","at+jwt","{}"]"#, forge.ed25519.key.kid);
    for forged in forms(&header, &values) {
        assert_eq!(forge.verdict(&forge.signed(&forged, PAYLOAD)), Err(INVALID), "{forged:?}");
    }
    let good: serde_json::Value = serde_json::from_str(PAYLOAD).unwrap();
    let order = ["iss", "sub", "aud", "exp", "iat", "jti", "sid", "auth_time", "acr", "amr", "client_id"];
    let values = serde_json::to_string(&order.map(|name| &good[name])).unwrap();
    for forged in forms(PAYLOAD, &values) {
        assert_eq!(forge.verdict(&forge.signed(&header, &forged)), Err(INVALID), "{forged:?}");
    }
}

#[test]
fn the_compact_form_is_the_only_one() {
    let forge = Forge::new();
    let token = forge.signed(Forge::header(&forge.ed25519), PAYLOAD);
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("three parts") };
    let stray_bits = format!("{}{}", &token[..token.len() - 1], sibling(token.chars().last().unwrap()));
    for forged in [
        String::new(),
        ".".into(),
        "..".into(),
        "....".into(),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!("{header}..{signature}"),
        format!(".{payload}.{signature}"),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{signature}"),
        format!("{header}.{payload}.{payload}.{signature}"),
        format!("{header}.{payload}.{payload}.{payload}.{signature}"),
        format!("{token}="),
        format!("{token}=="),
        format!("{header}=.{payload}.{signature}"),
        format!("{token} "),
        format!("{token}\n"),
        format!(" {token}"),
        format!("{header}. {payload}.{signature}"),
        format!("{token}\0"),
        format!("Bearer {token}"),
        token.replace('.', "%2E"),
        stray_bits,
        format!(r#"{{"protected":"{header}","payload":"{payload}","signature":"{signature}"}}"#),
        format!(r#"{{"payload":"{payload}","signatures":[{{"protected":"{header}","signature":"{signature}"}}]}}"#),
    ] {
        assert_eq!(forge.verdict(&forged), Err(INVALID), "{forged}");
    }
    let standard = token.replace('-', "+").replace('_', "/");
    assert!(standard == token || forge.verdict(&standard) == Err(INVALID));
}

/// A character whose first two bits are the same, so that a lax decoder sees the same bytes at the end of 64.
fn sibling(last: char) -> char {
    match last {
        'A' => 'B',
        'Q' => 'R',
        'g' => 'h',
        'w' => 'x',
        other => panic!("not the last character of 64 bytes: {other}"),
    }
}

#[test]
fn tokens_over_8_kib_are_not_looked_at() {
    let forge = Forge::new();
    let header = Forge::header(&forge.ed25519);
    let token = |filler: usize| forge.signed(&header, altered(PAYLOAD, "urn:ipse:aal:1", &"a".repeat(filler)));
    let (mut within, mut beyond) = (0, 0);
    for filler in 5600..5720 {
        let token = token(filler);
        assert_eq!(forge.verdict(&token).is_ok(), token.len() <= 8192, "{}", token.len());
        if token.len() <= 8192 { within += 1 } else { beyond += 1 }
    }
    assert!(within > 0 && beyond > 0, "the limit lies between");
    assert_eq!(forge.verdict(&token(1 << 20)), Err(INVALID));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_mutation_of_a_token_verifies(place in any::<prop::sample::Index>(), with in "[A-Za-z0-9_.=+/ \u{e9}-]", kind in 0..4, p256: bool) {
        thread_local!(static FORGE: Forge = Forge::new());
        FORGE.with(|forge| {
            let token = if p256 { forge.signed_with_p256(PAYLOAD) } else { forge.signed(Forge::header(&forge.ed25519), PAYLOAD) };
            let place = place.index(token.len());
            let (before, after) = token.split_at(place);
            let mutated = match kind {
                0 => format!("{before}{with}{}", &after[1..]),
                1 => format!("{before}{with}{after}"),
                2 => format!("{before}{}", &after[1..]),
                _ => before.to_owned(),
            };
            prop_assert_eq!(forge.verdict(&mutated).is_ok(), mutated == token, "{}", mutated);
            Ok(())
        })?;
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,60}(\\.[A-Za-z0-9_-]{0,90}){0,4}") {
        thread_local!(static FORGE: Forge = Forge::new());
        prop_assert_eq!(FORGE.with(|forge| forge.verdict(&text)), Err(INVALID));
    }
}
