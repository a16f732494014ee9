//! Password hashes that other systems made. They are stored as they are, verified as their makers do, and replaced by
//! argon2id at the first sign-in.
//!
//! | function | text | limit |
//! |---|---|---|
//! | argon2id, argon2i | `$argon2id$v=19$m=…,t=…,p=…$SALT$TAG`, or `v=16`, or no version; base64 without padding | 256 MiB, t 16, p 16 |
//! | bcrypt | `$2a$`, `$2b$` or `$2y$`, then `12$` and 53 characters | cost 14 |
//! | scrypt | `$scrypt$ln=…,r=…,p=…$SALT$TAG`, base64 without padding | N·r·p 2^20, which is 128 MiB; r 32, p 16 |
//! | PBKDF2 of passlib | `$pbkdf2$` (SHA-1), `$pbkdf2-sha256$` or `$pbkdf2-sha512$`, then `ITERATIONS$SALT$TAG`; base64 without padding and with `.` for `+` | 2,000,000 iterations |
//! | PBKDF2 of Django | `pbkdf2_sha1$` or `pbkdf2_sha256$`, then `ITERATIONS$SALT$TAG`; the tag in base64 | 2,000,000 iterations |
//! | SHA-crypt | `$5$` or `$6$`, then `rounds=…$` or nothing, then `SALT$TAG` | 700,000 rounds; passwords of 511 bytes |
//! | Firebase | `$fbscrypt$v=1,n=…,r=…,p=…,ss=SEPARATOR,sk=SIGNER_KEY$SALT$HASH`, n the memory cost, r the rounds, p 1; base64 | as scrypt |
//!
//! A text has at most 512 bytes; anything else is refused. The limits bound one verification to two seconds of one
//! hashing thread, and its memory to what argon2 may ask for. They are checked before anything is computed, when a hash
//! is taken in and again when it is used, for the database may have been written by others.
//!
//! A foreign hash costs what its maker chose, so whoever measures sign-ins can tell an account that has one from a name
//! that nobody has. No other work could hide that: the costs of the formats differ by a factor of a thousand. It ends
//! with the first sign-in, and the waiting times after failures bound what can be measured until then.
//!
//! Passwords are compared in Unicode Normalization Form C, in which nearly all are typed. Who typed one otherwise, into
//! a system that hashed it so, needs a reset. bcrypt sees the first 72 bytes of a password; the rest counts from the
//! first sign-in on, as it was typed then.

mod bcrypt;
mod firebase;
mod pbkdf2;
mod scrypt;
mod sha_crypt;
#[cfg(test)]
mod tests;

use base64::Engine;
use base64::engine::GeneralPurpose;

use self::bcrypt::BcryptHash;
use self::firebase::FirebaseHash;
use self::pbkdf2::{Digest, Pbkdf2Hash};
use self::scrypt::ScryptHash;
use self::sha_crypt::ShaCryptHash;
use crate::application::ports::{Cause, HashRefused};
use crate::domain::credential::password::Password;

/// A hash of another system that is safe to compute.
pub(super) trait ForeignHash: Send {
    /// Whether the password belongs to it: computes the hash and compares in constant time.
    fn matches(&self, password: &Password) -> Result<bool, Cause>;
}

/// Reads a hash. What it asks for is checked, and nothing is computed.
pub(super) fn parse(text: &str) -> Result<Box<dyn ForeignHash>, HashRefused> {
    Ok(match text.split('$').collect::<Vec<_>>().as_slice() {
        ["", "2a" | "2b" | "2y", fields @ ..] => Box::new(BcryptHash::parse(fields)?),
        ["", "scrypt", fields @ ..] => Box::new(ScryptHash::parse(fields)?),
        ["", "pbkdf2", fields @ ..] => Box::new(Pbkdf2Hash::passlib(Digest::Sha1, fields)?),
        ["", "pbkdf2-sha256", fields @ ..] => Box::new(Pbkdf2Hash::passlib(Digest::Sha256, fields)?),
        ["", "pbkdf2-sha512", fields @ ..] => Box::new(Pbkdf2Hash::passlib(Digest::Sha512, fields)?),
        ["pbkdf2_sha1", fields @ ..] => Box::new(Pbkdf2Hash::django(Digest::Sha1, fields)?),
        ["pbkdf2_sha256", fields @ ..] => Box::new(Pbkdf2Hash::django(Digest::Sha256, fields)?),
        ["", "5", fields @ ..] => Box::new(ShaCryptHash::parse(text, 32, fields)?),
        ["", "6", fields @ ..] => Box::new(ShaCryptHash::parse(text, 64, fields)?),
        ["", "fbscrypt", fields @ ..] => Box::new(FirebaseHash::parse(fields)?),
        _ => return Err(HashRefused::Format),
    })
}

/// A positive decimal number in its one canonical form.
fn number(text: &str) -> Result<u32, HashRefused> {
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| canonical).ok_or(HashRefused::Malformed)
}

/// The values of exactly these parameters, in this order.
fn parameters<'a, const N: usize>(text: &'a str, names: [&str; N]) -> Result<[&'a str; N], HashRefused> {
    let mut given = text.split(',');
    let mut values = [""; N];
    for (value, name) in values.iter_mut().zip(names) {
        let parameter = given.next().and_then(|parameter| parameter.strip_prefix(name)?.strip_prefix('='));
        *value = parameter.ok_or(HashRefused::Malformed)?;
    }
    if given.next().is_some() { Err(HashRefused::Malformed) } else { Ok(values) }
}

fn decode(alphabet: &GeneralPurpose, text: &str) -> Result<Vec<u8>, HashRefused> {
    alphabet.decode(text).map_err(|_| HashRefused::Malformed)
}

fn decode_exactly<const N: usize>(alphabet: &GeneralPurpose, text: &str) -> Result<[u8; N], HashRefused> {
    decode(alphabet, text)?.try_into().map_err(|_| HashRefused::Malformed)
}
