//! Headers that try to choose the algorithm, the key or the reading.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::INVALID;
use crate::application::ports::AccessTokens;
use crate::domain::token::signing_key::SigningAlgorithm;
use crate::infrastructure::jwt::forge::{Forge, PAYLOAD, altered, at, claims, copy, new_key};

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
}

/// A genuine signature of one family under the algorithm, the key or both of another one.
#[test]
fn families_do_not_mix() {
    let forge = Forge::new();
    for signer in forge.keys() {
        let (right, name, kid) = (Forge::header(signer), signer.key.algorithm.name(), &signer.key.kid);
        assert_eq!(forge.verdict(&Forge::signed_by(signer, &right)), Ok(claims()));
        for other in forge.keys().into_iter().filter(|other| other.key.kid != *kid) {
            let algorithm = altered(&right, name, other.key.algorithm.name());
            let key = altered(&right, kid, &other.key.kid);
            for forged in [&algorithm, &key, &altered(&algorithm, kid, &other.key.kid)] {
                assert_eq!(forge.verdict(&Forge::signed_by(signer, forged)), Err(INVALID), "{forged}");
            }
        }
        let second = new_key(&forge.jwt, signer.key.algorithm);
        assert_eq!(forge.verdict(&Forge::signed_by(&second, &right)), Err(INVALID), "{name} by another key");
    }
}

/// The other signatures of an RSA key: the key is one for RS256 alone.
#[test]
fn an_rsa_key_takes_no_other_hash_and_no_other_padding() {
    let forge = Forge::new();
    let pair = RsaKeyPair::from_pkcs8(&forge.rsa.private_key).unwrap();
    let right = Forge::header(&forge.rsa);
    let schemes: [(&str, &'static dyn RsaEncoding); 5] = [
        ("RS384", &RSA_PKCS1_SHA384),
        ("RS512", &RSA_PKCS1_SHA512),
        ("PS256", &RSA_PSS_SHA256),
        ("PS384", &RSA_PSS_SHA384),
        ("PS512", &RSA_PSS_SHA512),
    ];
    for (name, scheme) in schemes {
        for header in [right.clone(), altered(&right, "RS256", name)] {
            let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(&header), URL_SAFE_NO_PAD.encode(PAYLOAD));
            let mut signature = vec![0; 384];
            pair.sign(scheme, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
            let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
            assert_eq!(forge.verdict(&token), Err(INVALID), "{header} signed as {name}");
        }
    }
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
