//! Signatures that were never made with the private key, or come in a form of their own: the cases that verifiers are
//! known to get wrong.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// A number of 256 bits, the most significant byte first.
type Number = [u8; 32];

/// The order of the group of P-256 (FIPS 186-5).
const P256_ORDER: Number = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7,
    0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];
/// The prime of the field of P-256.
const P256_PRIME: Number = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff,
];
/// The order of the group of Ed25519 (RFC 8032).
const ED25519_ORDER: Number = [
    0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0xde, 0xf9, 0xde, 0xa2, 0xf7, 0x9c, 0xd6, 0x58, 0x12,
    0x63, 0x1a, 0x5c, 0xf5, 0xd3, 0xed,
];
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

/// The same token with the other signature that ECDSA has for it: `n - s` in place of `s`.
pub(super) fn twin(token: &str) -> String {
    let (signed, [r, s]) = halves(token);
    with(signed, &[r, minus(P256_ORDER, s)].concat())
}

/// The token with signatures that P-256 does not allow.
pub(super) fn p256(token: &str) -> Vec<String> {
    let (signed, [r, s]) = halves(token);
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
    forged.extend(ill_sized(r, s));
    let mut tokens: Vec<_> = forged.iter().map(|signature| with(signed, signature)).collect();
    tokens.extend(respelled(token));
    tokens
}

/// The token with signatures that Ed25519 does not allow.
pub(super) fn ed25519(token: &str) -> Vec<String> {
    let (signed, [r, s]) = halves(token);
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
    forged.extend(ill_sized(r, s));
    let mut tokens: Vec<_> = forged.iter().map(|signature| with(signed, signature)).collect();
    tokens.extend(respelled(token));
    tokens
}

/// The two numbers in other sizes and frames than 32 bytes each.
fn ill_sized(r: Number, s: Number) -> Vec<Vec<u8>> {
    let whole = [r, s].concat();
    let integer = |number: Number| [&[0x02, 0x21, 0x00][..], &number].concat();
    let der = [&[0x30, 0x46][..], &integer(r), &integer(s)].concat();
    let mut forged: Vec<_> = [0, 1, 31, 32, 33, 62, 63].into_iter().map(|length| whole[..length].to_vec()).collect();
    forged.extend([
        [&[0][..], &whole].concat(),
        [&whole[..], &[0]].concat(),
        [&r[..], &[0], &s].concat(),
        [&[0][..], &r, &[0], &s].concat(),
        [&[0; 16][..], &r, &[0; 16], &s].concat(),
        [&whole[..], &whole].concat(),
        whole[1..].to_vec(),
        [&r[1..], &s[1..]].concat(),
        [&der[..], &[0]].concat(),
        [&[0x30, 0x81, 0x46][..], &der[2..]].concat(),
        [&[0x30, 0x80][..], &der[2..], &[0, 0]].concat(),
        [&[0x04][..], &whole].concat(),
        hex(&whole).into_bytes(),
        der,
    ]);
    forged
}

/// The right bytes in other spellings of base64: a token has one text.
fn respelled(token: &str) -> Vec<String> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let last = ALPHABET.iter().position(|letter| letter == signature.as_bytes().last().unwrap()).unwrap();
    assert_eq!(last % 16, 0, "four bits of the last letter carry nothing");
    let shorter = &signature[..signature.len() - 1];
    let mut spellings: Vec<_> =
        (1..16).map(|stray| format!("{shorter}{}", char::from(ALPHABET[last + stray]))).collect();
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    spellings.extend([STANDARD.encode(&bytes), hex(&bytes), URL_SAFE_NO_PAD.encode(signature)]);
    spellings.extend(["=", "==", "A", "AA", "~", "%3D"].map(|tail| format!("{signature}{tail}")));
    spellings.extend(["!", "=", "A", "*"].map(|head| format!("{head}{signature}")));
    spellings.push(format!("{}~{}", &signature[..40], &signature[40..]));
    spellings.iter().map(|signature| format!("{signed}.{signature}")).collect()
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

fn number(small: u8) -> Number {
    let mut number = [0; 32];
    number[31] = small;
    number
}

fn reversed(mut number: Number) -> Number {
    number.reverse();
    number
}

/// The sum, without what goes beyond 256 bits.
fn plus(mut number: Number, other: Number) -> Number {
    let mut carry = 0;
    for (a, b) in number.iter_mut().zip(other).rev() {
        let [low, high] = (u16::from(*a) + u16::from(b) + carry).to_le_bytes();
        (*a, carry) = (low, u16::from(high));
    }
    number
}

fn minus(mut number: Number, other: Number) -> Number {
    let mut borrow = 0;
    for (a, b) in number.iter_mut().zip(other).rev() {
        let difference = i16::from(*a) - i16::from(b) - borrow;
        borrow = i16::from(difference < 0);
        *a = difference.to_le_bytes()[0];
    }
    number
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from_digit(digit.into(), 16).unwrap()).collect()
}

fn unhex(text: &str) -> Number {
    std::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
}
