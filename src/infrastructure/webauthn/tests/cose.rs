use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

use super::Vector;
use super::writer::Item;
use crate::application::ports::CeremonyRejected::{self, Algorithm, Malformed, PublicKey as NotAKey};
use crate::infrastructure::webauthn::cbor::{Key, Value};
use crate::infrastructure::webauthn::cose::PublicKey;

type Entries = Vec<(Item, Item)>;

fn number(key: i128, value: i128) -> (Item, Item) {
    Item::entry(key, Item::Integer(value))
}

fn bytes(key: i128, value: &[u8]) -> (Item, Item) {
    Item::entry(key, Item::Bytes(value.to_vec()))
}

/// A parameter of the key of a vector.
fn parameter(vector: &str, key: i128) -> Vec<u8> {
    let cose_key = Vector::named(vector).passkey().public_key;
    let value = Value::read(&cose_key).unwrap();
    value.map().unwrap().get(Key::Integer(key)).unwrap().bytes().unwrap().to_vec()
}

fn es256() -> Entries {
    let [x, y] = [-2, -3].map(|key| parameter("none-es256", key));
    vec![number(1, 2), number(3, -7), number(-1, 1), bytes(-2, &x), bytes(-3, &y)]
}

fn eddsa() -> Entries {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[1; 32]).unwrap();
    vec![number(1, 1), number(3, -8), number(-1, 6), bytes(-2, pair.public_key().as_ref())]
}

fn rs256(modulus: &[u8], exponent: &[u8]) -> Entries {
    vec![number(1, 3), number(3, -257), bytes(-1, modulus), bytes(-2, exponent)]
}

fn read(entries: Entries) -> Result<i128, CeremonyRejected> {
    PublicKey::read(&Item::Map(entries).write()).map(|key| key.algorithm())
}

/// What becomes of a key when some of its parameters are others, or there are more.
fn with(key: Entries, changes: &[(Item, Item)]) -> Result<i128, CeremonyRejected> {
    let kept = key.into_iter().filter(|(key, _)| changes.iter().all(|(changed, _)| changed != key));
    read(kept.chain(changes.iter().cloned()).collect())
}

#[test]
fn a_key_is_of_an_algorithm_that_is_asked_for() {
    let modulus = parameter("packed-rs256", -1);
    assert_eq!([es256(), eddsa(), rs256(&modulus, &[1, 0, 1])].map(read), [Ok(-7), Ok(-8), Ok(-257)]);
    for algorithm in [-9, -19, -35, -36, -37, -39, -47, -50, -53, -65535, 0, 1, 5] {
        for key in [es256(), eddsa(), rs256(&modulus, &[1, 0, 1])] {
            assert_eq!(with(key, &[number(3, algorithm)]), Err(Algorithm), "{algorithm}");
        }
    }
    for other in [Item::text("ES256"), Item::Bytes(vec![7]), Item::Null] {
        assert_eq!(with(es256(), &[Item::entry(3, other)]), Err(Malformed));
    }
    for (key, algorithm) in [(es256(), -8), (es256(), -257), (eddsa(), -7), (eddsa(), -257)] {
        assert_eq!(with(key, &[number(3, algorithm)]), Err(NotAKey), "{algorithm}");
    }
    assert_eq!(read(es256().into_iter().filter(|(key, _)| *key != Item::Integer(3)).collect()), Err(Malformed));
    for no_key in [Item::Null, Item::Array(vec![]), Item::Bytes(es256_bytes())] {
        assert_eq!(PublicKey::read(&no_key.write()), Err(Malformed));
    }
}

fn es256_bytes() -> Vec<u8> {
    Item::Map(es256()).write()
}

#[test]
fn a_key_has_exactly_the_parameters_of_its_algorithm() {
    for (index, key) in [es256(), eddsa(), rs256(&parameter("packed-rs256", -1), &[1, 0, 1])].into_iter().enumerate() {
        for (left_out, _) in key.iter().filter(|(name, _)| *name != Item::Integer(3)) {
            let rest = key.iter().filter(|(name, _)| name != left_out).cloned().collect();
            assert_eq!(read(rest), Err(NotAKey), "{index} without {left_out:?}");
        }
        for more in [bytes(2, b"kid"), number(4, 2), bytes(-4, &[1; 32]), (Item::text("x"), Item::Null)] {
            assert_eq!(with(key.clone(), &[more]), Err(NotAKey), "{index}");
        }
        for (name, other) in [(1, 4), (-1, 2), (-1, 4), (-1, 7), (-1, 8)] {
            assert_eq!(with(key.clone(), &[number(name, other)]), Err(NotAKey), "{index} {name}");
        }
    }
}

#[test]
fn a_point_is_on_its_curve_and_whole() {
    let [x, y] = [-2, -3].map(|key| parameter("none-es256", key));
    let point = |x: &[u8], y: &[u8]| with(es256(), &[bytes(-2, x), bytes(-3, y)]);
    assert_eq!(point(&x, &y), Ok(-7));
    for (x, y) in [
        (&y[..], &x[..]),
        (&x, &x),
        (&[0; 32], &[0; 32]),
        (&[0xff; 32], &y),
        (&x[1..], &y),
        (&x, &y[..31]),
        (&[], &[]),
        (&[&[0], &x[..]].concat(), &y),
        (&x, &[&y[..], &[0]].concat()),
    ] {
        assert_eq!(point(x, y), Err(NotAKey), "{x:?} {y:?}");
    }
    // A compressed point has a bit in place of its second coordinate.
    assert_eq!(with(es256(), &[Item::entry(-3, Item::Bool(true))]), Err(NotAKey));
    for length in [0, 31, 33, 57] {
        assert_eq!(with(eddsa(), &[bytes(-2, &vec![9; length])]), Err(NotAKey), "{length}");
    }
}

#[test]
fn an_rsa_key_is_neither_short_nor_endless() {
    let modulus = |bits: usize, last: u8| {
        let mut modulus = vec![0xa5; bits.div_ceil(8)];
        modulus[0] = 0xff >> (modulus.len() * 8 - bits);
        *modulus.last_mut().unwrap() = last;
        modulus
    };
    for bits in [2048, 2049, 3072, 4095, 4096] {
        assert_eq!(read(rs256(&modulus(bits, 1), &[1, 0, 1])), Ok(-257), "{bits}");
    }
    for bits in [8, 512, 1024, 2040, 2047, 4097, 8192, 16_384] {
        assert_eq!(read(rs256(&modulus(bits, 1), &[1, 0, 1])), Err(NotAKey), "{bits}");
    }
    let good = modulus(2048, 1);
    for exponent in [&[][..], &[1], &[3], &[1, 0, 0], &[0, 1, 0, 1], &[1, 0, 1, 0], &[1, 0, 0, 0, 1]] {
        assert_eq!(read(rs256(&good, exponent)), Err(NotAKey), "{exponent:?}");
    }
    for modulus in [vec![], modulus(2048, 2), [&[0], &good[..]].concat(), vec![0; 256]] {
        assert_eq!(read(rs256(&modulus, &[1, 0, 1])), Err(NotAKey));
    }
}

#[test]
fn a_key_verifies_what_its_other_half_signed_and_nothing_else() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[1; 32]).unwrap();
    let key = PublicKey::read(&Item::Map(eddsa()).write()).unwrap();
    let signature = pair.try_sign(b"message").unwrap();
    assert!(key.verifies(b"message", signature.as_ref()));
    assert!(!key.verifies(b"massage", signature.as_ref()));
    assert!(!key.verifies(b"message", &signature.as_ref()[1..]) && !key.verifies(b"message", &[]));
    let other = PublicKey::read(&es256_bytes()).unwrap();
    assert!(!other.verifies(b"message", signature.as_ref()));
}
