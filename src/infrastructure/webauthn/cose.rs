//! Public keys as authenticators send them (`COSE_Key`, RFC 9052, 9053 and 8230), and the signatures of their other halves.

use std::ops::RangeInclusive;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};

use super::cbor::{Key, Map, Value};
use crate::application::ports::CeremonyRejected;

/// `EdDSA` with Ed25519.
const EDDSA: i128 = -8;
/// `ES256`: ECDSA with P-256 and SHA-256.
const ES256: i128 = -7;
/// `RS256`: PKCS #1 v1.5 with SHA-256.
const RS256: i128 = -257;
/// What is asked for, the best first. Keys of other algorithms are refused.
pub(super) const ALGORITHMS: [i128; 3] = [EDDSA, ES256, RS256];

// The parameters that all keys have, and their values.
const KEY_TYPE: Key<'_> = Key::Integer(1);
const ALGORITHM: Key<'_> = Key::Integer(3);
const OCTET_KEY_PAIR: Value<'_> = Value::Integer(1);
const ELLIPTIC_CURVE: Value<'_> = Value::Integer(2);
const RSA: Value<'_> = Value::Integer(3);
const P_256: Value<'_> = Value::Integer(1);
const CURVE_25519: Value<'_> = Value::Integer(6);

/// How long the modulus of an RSA key may be, in bits.
const RSA_BITS: RangeInclusive<usize> = 2048..=4096;
/// The public exponent of RSA that all authenticators use: 65537.
const RSA_EXPONENT: &[u8] = &[1, 0, 1];

/// A key that is one of its algorithm.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PublicKey {
    /// An uncompressed point on P-256 (SEC 1, section 2.3.3).
    Es256([u8; 65]),
    EdDsa([u8; 32]),
    /// The modulus.
    Rs256(Vec<u8>),
}

impl PublicKey {
    /// Reads a key of an algorithm that is asked for. It has exactly the parameters of that (WebAuthn, section 6.5.1.1).
    pub(super) fn read(cose_key: &[u8]) -> Result<Self, CeremonyRejected> {
        let value = Value::read(cose_key).ok_or(CeremonyRejected::Malformed)?;
        let map = value.map().ok_or(CeremonyRejected::Malformed)?;
        let key = match map.get(ALGORITHM) {
            Some(Value::Integer(ES256)) => es256(map),
            Some(Value::Integer(EDDSA)) => eddsa(map),
            Some(Value::Integer(RS256)) => rs256(map),
            Some(Value::Integer(_)) => return Err(CeremonyRejected::Algorithm),
            _ => return Err(CeremonyRejected::Malformed),
        };
        key.ok_or(CeremonyRejected::PublicKey)
    }

    /// The number of its algorithm.
    pub(super) const fn algorithm(&self) -> i128 {
        match self {
            Self::Es256(_) => ES256,
            Self::EdDsa(_) => EDDSA,
            Self::Rs256(_) => RS256,
        }
    }

    /// Whether its other half signed the message. Signatures of `ES256` are in DER.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let verdict = match self {
            Self::Es256(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature),
            Self::EdDsa(key) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature),
            Self::Rs256(modulus) => RsaPublicKeyComponents { n: modulus.as_slice(), e: RSA_EXPONENT }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
        };
        verdict.is_ok()
    }
}

/// The values of a key's own parameters, if it has those and no others.
fn parameters<'m, 'a, const N: usize>(
    map: &'m Map<'a>,
    kind: &Value<'_>,
    keys: [i128; N],
) -> Option<[&'m Value<'a>; N]> {
    let is_kind = map.get(KEY_TYPE) == Some(kind);
    let mut values = [&Value::Null; N];
    for (value, key) in values.iter_mut().zip(keys) {
        *value = map.get(Key::Integer(key))?;
    }
    (is_kind && map.len() == N + 2).then_some(values)
}

fn es256(map: &Map<'_>) -> Option<PublicKey> {
    let [curve, x, y] = parameters(map, &ELLIPTIC_CURVE, [-1, -2, -3])?;
    let (x, y): ([u8; 32], [u8; 32]) = (x.bytes()?.try_into().ok()?, y.bytes()?.try_into().ok()?);
    let mut point = [4; 65];
    point[1..33].copy_from_slice(&x);
    point[33..].copy_from_slice(&y);
    let is_on_curve = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).parse().is_ok();
    (*curve == P_256 && is_on_curve).then_some(PublicKey::Es256(point))
}

fn eddsa(map: &Map<'_>) -> Option<PublicKey> {
    let [curve, x] = parameters(map, &OCTET_KEY_PAIR, [-1, -2])?;
    let key = x.bytes()?.try_into().ok()?;
    (*curve == CURVE_25519).then_some(PublicKey::EdDsa(key))
}

fn rs256(map: &Map<'_>) -> Option<PublicKey> {
    let [modulus, exponent] = parameters(map, &RSA, [-1, -2])?;
    let modulus = modulus.bytes()?;
    let (first, last) = (modulus.first()?, modulus.last()?);
    let bits = modulus.len() * 8 - first.leading_zeros() as usize;
    let is_acceptable = *first != 0 && last % 2 == 1 && RSA_BITS.contains(&bits);
    (is_acceptable && exponent.bytes()? == RSA_EXPONENT).then(|| PublicKey::Rs256(modulus.to_vec()))
}
