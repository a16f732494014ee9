//! Hashes as Werkzeug writes them, which Flask brings: the method with its parameters, the salt as it is, the tag in hexadecimal.

use super::pbkdf2::{Digest, Pbkdf2Hash};
use super::scrypt::{Cost, ScryptHash};
use crate::application::ports::HashRefused;

/// Reads `pbkdf2:DIGEST:ITERATIONS`, the salt and the tag.
pub(super) fn pbkdf2(method: &str, salt: &str, tag: &str) -> Result<Pbkdf2Hash, HashRefused> {
    let (digest, iterations) = match method.split(':').collect::<Vec<_>>()[..] {
        [_, "sha1", iterations] => (Digest::Sha1, iterations),
        [_, "sha256", iterations] => (Digest::Sha256, iterations),
        [_, "sha512", iterations] => (Digest::Sha512, iterations),
        _ => return Err(HashRefused::Format),
    };
    Pbkdf2Hash::new(digest, iterations, (salt.as_bytes().to_vec(), hexadecimal(tag)?))
}

/// Reads `scrypt:N:r:p`, the salt and the tag.
pub(super) fn scrypt(method: &str, salt: &str, tag: &str) -> Result<ScryptHash, HashRefused> {
    let [_, n, r, p] = method.split(':').collect::<Vec<_>>()[..] else {
        return Err(HashRefused::Malformed);
    };
    ScryptHash::new(Cost::of_n([n, r, p])?, salt.as_bytes().to_vec(), hexadecimal(tag)?)
}

fn hexadecimal(text: &str) -> Result<Vec<u8>, HashRefused> {
    let is_whole = text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let bytes = (0..text.len()).step_by(2).map(|place| text.get(place..place + 2));
    let bytes = bytes.map(|digits| digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()));
    bytes.collect::<Option<_>>().filter(|_| is_whole).ok_or(HashRefused::Malformed)
}
