//! Signatures that were never made with a private key.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RsaEncoding, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};

use super::INVALID;
use crate::infrastructure::jwt::forge::{Forge, PAYLOAD, altered, with_signature};

#[test]
fn a_public_key_is_not_taken_for_a_shared_secret() {
    let forge = Forge::new();
    for key in forge.keys() {
        let jwk: serde_json::Value = serde_json::from_str(&key.key.public_jwk).unwrap();
        let x = jwk["x"].as_str().or(jwk["n"].as_str()).unwrap();
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

#[test]
fn an_rsa_signature_is_no_other_number_and_no_other_message() {
    let forge = Forge::new();
    let token = Forge::token_of(&forge.rsa);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let jwk: serde_json::Value = serde_json::from_str(&forge.rsa.key.public_jwk).unwrap();
    let modulus = URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap();
    let mut reversed = signature.clone();
    reversed.reverse();
    for forged in [
        vec![],
        vec![0; 384],
        [&[0; 383][..], &[1]].concat(),
        vec![0xff; 384],
        modulus,
        reversed,
        signature[..383].to_vec(),
        signature[1..].to_vec(),
        [&[0], &signature[..]].concat(),
        [&signature[..], &[0]].concat(),
        signature[..64].to_vec(),
    ] {
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(&forged));
        assert_eq!(forge.verdict(&token), Err(INVALID), "{forged:02x?}");
    }
}

#[test]
fn an_rsa_signature_has_the_padding_and_the_digest_of_its_algorithm() {
    let forge = Forge::new();
    let token = Forge::token_of(&forge.rsa);
    let (signed, _) = token.rsplit_once('.').unwrap();
    let pair = RsaKeyPair::from_pkcs8(&forge.rsa.private_key).unwrap();
    let verdict = |encoding: &'static dyn RsaEncoding| {
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(encoding, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        forge.verdict(&format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    };
    assert!(verdict(&RSA_PKCS1_SHA256).is_ok());
    let others: [&dyn RsaEncoding; 4] = [&RSA_PKCS1_SHA384, &RSA_PKCS1_SHA512, &RSA_PSS_SHA256, &RSA_PSS_SHA384];
    for other in others {
        assert_eq!(verdict(other), Err(INVALID));
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
