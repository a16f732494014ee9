//! Numbers of 256 bits, of which signatures on the curves are made.

/// A number of 256 bits, the most significant byte first.
pub(super) type Number = [u8; 32];

/// The order of the group of P-256 (FIPS 186-5).
pub(super) const P256_ORDER: Number = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7,
    0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];
/// The prime of the field of P-256.
pub(super) const P256_PRIME: Number = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff,
];
/// The order of the group of Ed25519 (RFC 8032).
pub(super) const ED25519_ORDER: Number = [
    0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0xde, 0xf9, 0xde, 0xa2, 0xf7, 0x9c, 0xd6, 0x58, 0x12,
    0x63, 0x1a, 0x5c, 0xf5, 0xd3, 0xed,
];

pub(super) fn number(small: u8) -> Number {
    let mut number = [0; 32];
    number[31] = small;
    number
}

pub(super) fn reversed(mut number: Number) -> Number {
    number.reverse();
    number
}

/// The sum, without what goes beyond 256 bits.
pub(super) fn plus(mut number: Number, other: Number) -> Number {
    let mut carry = 0;
    for (a, b) in number.iter_mut().zip(other).rev() {
        let [low, high] = (u16::from(*a) + u16::from(b) + carry).to_le_bytes();
        (*a, carry) = (low, u16::from(high));
    }
    number
}

pub(super) fn minus(mut number: Number, other: Number) -> Number {
    let mut borrow = 0;
    for (a, b) in number.iter_mut().zip(other).rev() {
        let difference = i16::from(*a) - i16::from(b) - borrow;
        borrow = i16::from(difference < 0);
        *a = difference.to_le_bytes()[0];
    }
    number
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from_digit(digit.into(), 16).unwrap()).collect()
}

pub(super) fn unhex(text: &str) -> Number {
    std::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
}
