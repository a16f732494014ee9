//! Hashes as ASP.NET Core Identity writes them: base64 of a version, parameters, salt and tag, with nothing that names it.

use super::decode;
use super::pbkdf2::{Digest, Pbkdf2Hash};
use crate::application::ports::HashRefused;

/// The bytes of version 2: its number, a salt, a tag.
const V2_BYTES: usize = 1 + 16 + 32;
const V2_ITERATIONS: u32 = 1000;

/// Whether a text has the form of such a hash.
pub(super) fn is_one(text: &str) -> bool {
    decode(text).is_ok_and(|bytes| matches!(bytes.as_slice(), [0, ..] if bytes.len() == V2_BYTES) || is_third(&bytes))
}

fn is_third(bytes: &[u8]) -> bool {
    matches!(bytes, [1, 0, 0, 0, 0..=2, ..]) && bytes.len() > 13 + 16
}

/// Reads such a hash.
pub(super) fn parse(text: &str) -> Result<Pbkdf2Hash, HashRefused> {
    let bytes = decode(text)?;
    if !is_third(&bytes) {
        let (salt, tag) = bytes[1..].split_at(16);
        return Pbkdf2Hash::new(Digest::Sha1, &V2_ITERATIONS.to_string(), (salt.to_vec(), tag.to_vec()));
    }
    let number = |place: usize| {
        let four = bytes.get(place..place + 4).and_then(|four| four.try_into().ok());
        four.map(u32::from_be_bytes).ok_or(HashRefused::Malformed)
    };
    let digest = match number(1)? {
        0 => Digest::Sha1,
        1 => Digest::Sha256,
        _ => Digest::Sha512,
    };
    let salt_length = usize::try_from(number(9)?).map_err(|_| HashRefused::Malformed)?;
    let (salt, tag) = bytes[13..].split_at_checked(salt_length).ok_or(HashRefused::Malformed)?;
    Pbkdf2Hash::new(digest, &number(5)?.to_string(), (salt.to_vec(), tag.to_vec()))
}
