//! Signatures that were never made with the private key, or come in a form of their own: the cases that verifiers are
//! known to get wrong.

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ipse::domain::token::signing_key::SigningAlgorithm;
use jsonwebtoken::Algorithm;

use super::numbers::{ED25519_ORDER, Number, P256_ORDER, P256_PRIME, hex, minus, number, plus, reversed, unhex};
use crate::support::forge::{Forge, Key, altered, sign_with_secret};

/// The encodings of points of Ed25519 whose order is 8 or a divisor of it, canonical and not, without their sign bits.
const SMALL_ORDER: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/// A good token with the other signature that ECDSA has for it.
pub(super) fn twin(forge: &Forge) -> String {
    twin_of(&forge.token_of(forge.key(SigningAlgorithm::Es256)))
}

/// The same token with `n - s` in place of `s`, which JWS does not forbid. Whoever revokes a token has to name it by its
/// claims.
pub(super) fn twin_of(token: &str) -> String {
    let (signed, [r, s]) = halves(token);
    with(signed, &[r, minus(P256_ORDER, s)].concat())
}

pub(super) fn p256(forge: &Forge) -> Vec<String> {
    let token = forge.token_of(forge.key(SigningAlgorithm::Es256));
    let (signed, [r, s]) = halves(&token);
    let mut numbers = vec![[0; 32], [0xff; 32], P256_ORDER, P256_PRIME, number(1), number(2)];
    numbers.extend([plus(P256_ORDER, number(1)), minus(P256_ORDER, number(1)), plus(P256_PRIME, number(1))]);
    let mut forged = Vec::new();
    for one in &numbers {
        forged.extend(
            [[r, *one], [*one, s], [*one, minus(P256_ORDER, s)], [minus(P256_ORDER, r), *one]].map(|s| s.concat()),
        );
        forged.extend(numbers.iter().map(|other| [*one, *other].concat()));
    }
    forged.extend([[s, r].concat(), [minus(P256_ORDER, r), s].concat(), [r, r].concat(), [s, s].concat()]);
    forged.push([r, plus(P256_ORDER, s)].concat());
    forged.extend(ill_formed(r, s));
    forged.iter().map(|signature| with(signed, signature)).collect()
}

pub(super) fn ed25519(forge: &Forge) -> Vec<String> {
    let token = forge.token_of(forge.key(SigningAlgorithm::EdDsa));
    let (signed, [r, s]) = halves(&token);
    let mut forged = Vec::new();
    // Equal to s for whoever reduces it: RFC 8032, section 5.1.7, says not to.
    let mut larger = reversed(s);
    for _ in 0..14 {
        larger = plus(larger, ED25519_ORDER);
        forged.push([r, reversed(larger)].concat());
    }
    for high_bits in [0x20, 0x40, 0x80, 0xe0] {
        let mut s = s;
        s[31] |= high_bits;
        forged.push([r, s].concat());
    }
    let scalars = [[0; 32], reversed(number(1)), reversed(ED25519_ORDER), [0xff; 32], s];
    for point in SMALL_ORDER.map(unhex) {
        let mut negative = point;
        negative[31] |= 0x80;
        forged.extend(scalars.iter().flat_map(|scalar| [[point, *scalar].concat(), [negative, *scalar].concat()]));
    }
    let mut mirrored = r;
    mirrored[31] ^= 0x80;
    forged.extend([[mirrored, s].concat(), [[0xff; 32], s].concat(), [s, r].concat(), [r, r].concat()]);
    forged.extend(scalars[..4].iter().map(|scalar| [r, *scalar].concat()));
    forged.push([r, reversed(minus(ED25519_ORDER, reversed(s)))].concat());
    forged.extend(ill_formed(r, s));
    forged.iter().map(|signature| with(signed, signature)).collect()
}

/// The two numbers in other sizes, frames and orders than 32 bytes each, the most or least significant first.
fn ill_formed(r: Number, s: Number) -> Vec<Vec<u8>> {
    let whole = [r, s].concat();
    let integer = |number: Number| [&[0x02, 0x21, 0x00][..], &number].concat();
    let der = [&[0x30, 0x46][..], &integer(r), &integer(s)].concat();
    let mut forged: Vec<_> = [0, 1, 31, 32, 33, 62, 63].into_iter().map(|length| whole[..length].to_vec()).collect();
    forged.extend([
        vec![0; 63],
        vec![0; 64],
        vec![0xff; 64],
        [&[1][..], &[0; 63]].concat(),
        [[0; 32], s].concat(),
        [&[0][..], &whole].concat(),
        [&whole[..], &[0]].concat(),
        [&r[..], &[0], &s].concat(),
        [&[0][..], &r, &[0], &s].concat(),
        [&[0; 16][..], &r, &[0; 16], &s].concat(),
        [&whole[..], &whole].concat(),
        whole[1..].to_vec(),
        whole.iter().rev().copied().collect(),
        [&r[1..], &s[1..]].concat(),
        [&der[..], &[0]].concat(),
        [&[0x30, 0x81, 0x46][..], &der[2..]].concat(),
        [&[0x30, 0x80][..], &der[2..], &[0, 0]].concat(),
        [&[0x04][..], &whole].concat(),
        hex(&whole).into_bytes(),
        der,
        shortest_der(r, s),
    ]);
    forged
}

/// Both numbers as ASN.1 wants them: without zeros in front, except for one that keeps a number positive.
fn shortest_der(r: Number, s: Number) -> Vec<u8> {
    let integer = |number: Number| {
        let digits: Vec<u8> = number.into_iter().skip_while(|byte| *byte == 0).collect();
        let sign = vec![0; usize::from(digits.first().is_none_or(|byte| *byte > 0x7f))];
        framed(0x02, &[sign, digits].concat())
    };
    framed(0x30, &[integer(r), integer(s)].concat())
}

fn framed(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, u8::try_from(content.len()).unwrap()], content].concat()
}

pub(super) fn rsa(forge: &Forge) -> Vec<String> {
    let key = forge.key(SigningAlgorithm::Rs256);
    let token = forge.token_of(key);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    [
        vec![],
        vec![0; 384],
        [&[0; 383][..], &[1]].concat(),
        vec![0xff; 384],
        URL_SAFE_NO_PAD.decode(key.public["n"].as_str().unwrap()).unwrap(),
        signature.iter().rev().copied().collect(),
        signature[..383].to_vec(),
        signature[1..].to_vec(),
        [&[0], &signature[..]].concat(),
        [&signature[..], &[0]].concat(),
        signature[..64].to_vec(),
    ]
    .iter()
    .map(|signature| with(signed, signature))
    .collect()
}

pub(super) fn of_another_message(forge: &Forge) -> Vec<String> {
    let swap = |key: &Key| {
        let (token, other) = (forge.token_of(key), key.sign(key.header(), "{}"));
        format!("{}.{}", token.rsplit_once('.').unwrap().0, other.rsplit_once('.').unwrap().1)
    };
    forge.keys.iter().map(swap).collect()
}

pub(super) fn shared_secrets(forge: &Forge) -> Vec<String> {
    let mut forged = Vec::new();
    for key in &forge.keys {
        let schemes = [("HS256", Algorithm::HS256), ("HS512", Algorithm::HS512), (key.name(), Algorithm::HS256)];
        for secret in public_forms(key) {
            forged.extend(schemes.map(|(name, scheme)| {
                sign_with_secret(&secret, scheme, &altered(&key.header(), key.name(), name), &forge.person)
            }));
        }
    }
    forged
}

/// What anybody may know of a key, in the forms that a library may hold it in; and nothing.
fn public_forms(key: &Key) -> Vec<Vec<u8>> {
    let (bytes, der): (Vec<u8>, PublicKeyX509Der<'static>) = match key.algorithm {
        SigningAlgorithm::Es256 => {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key.private).unwrap();
            (pair.public_key().as_ref().to_vec(), pair.public_key().as_der().unwrap())
        }
        SigningAlgorithm::EdDsa => {
            let pair = Ed25519KeyPair::from_pkcs8(&key.private).unwrap();
            (pair.public_key().as_ref().to_vec(), pair.public_key().as_der().unwrap())
        }
        SigningAlgorithm::Rs256 => {
            let pair = RsaKeyPair::from_pkcs8(&key.private).unwrap();
            (pair.public_key().as_ref().to_vec(), pair.public_key().as_der().unwrap())
        }
    };
    let text = key.public["x"].as_str().or(key.public["n"].as_str()).unwrap();
    let lines: Vec<_> = STANDARD.encode(der.as_ref()).into_bytes().chunks(64).map(<[u8]>::to_vec).collect();
    let pem = [b"-----BEGIN PUBLIC KEY-----", &lines.join(&b'\n')[..], b"-----END PUBLIC KEY-----", b""].join(&b'\n');
    vec![
        URL_SAFE_NO_PAD.decode(text).unwrap(),
        text.as_bytes().to_vec(),
        bytes,
        der.as_ref().to_vec(),
        pem,
        key.public.to_string().into_bytes(),
        vec![],
    ]
}

/// The right bytes in other spellings of base64: a token has one text.
pub(super) fn respelled(forge: &Forge) -> Vec<String> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut forged = Vec::new();
    for token in forge.keys.iter().map(|key| forge.token_of(key)) {
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let (shorter, last) = signature.split_at(signature.len() - 1);
        let last = ALPHABET.iter().position(|letter| *letter == last.as_bytes()[0]).unwrap();
        // Of 64 bytes, four bits of the last letter carry nothing; of 384, all of them carry something.
        let strays = if signature.len() % 4 == 0 { 0 } else { 15 };
        assert!(strays == 0 || last % 16 == 0, "{signature}");
        let mut spellings: Vec<_> =
            (1..=strays).map(|stray| format!("{shorter}{}", char::from(ALPHABET[last + stray]))).collect();
        let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
        spellings.extend([hex(&bytes), URL_SAFE_NO_PAD.encode(signature)]);
        spellings.extend(["=", "==", "A", "AA", "~", "%3D"].map(|tail| format!("{signature}{tail}")));
        spellings.extend(["!", "=", "A", "*"].map(|head| format!("{head}{signature}")));
        spellings.push(format!("{}~{}", &signature[..40], &signature[40..]));
        // The same text if it needs neither padding nor one of the two letters.
        spellings.extend([STANDARD.encode(&bytes)].into_iter().filter(|other| other != signature));
        forged.extend(spellings.iter().map(|signature| format!("{signed}.{signature}")));
    }
    forged
}

fn halves(token: &str) -> (&str, [Number; 2]) {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let (r, s) = bytes.split_at(32);
    (signed, [r.try_into().unwrap(), s.try_into().unwrap()])
}

fn with(signed: &str, signature: &[u8]) -> String {
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}
