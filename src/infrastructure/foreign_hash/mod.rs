//! Password hashes that other systems made. They are stored as they are, verified as their makers do, and replaced by
//! argon2id at the first sign-in.
//!
//! | function | texts | limit |
//! |---|---|---|
//! | argon2id, argon2i, argon2d | `$argon2id$v=19$m=…,t=…,p=…$SALT$TAG`, or `v=16`, or no version; Django's `argon2` before it | 256 MiB, t 16, p 16 |
//! | bcrypt | `$2a$`, `$2b$` or `$2y$`, then `12$` and 53 characters; Django's `bcrypt$` before it | cost 14 |
//! | bcrypt of SHA-256 | passlib's `$bcrypt-sha256$v=2,t=2b,r=12$SALT$TAG` and `$bcrypt-sha256$2b,12$SALT$TAG`; Django's `bcrypt_sha256$$2b$12$…` | cost 14 |
//! | scrypt | `$scrypt$ln=…,r=…,p=…$SALT$TAG`, ln the logarithm of N or, as Kratos has it, N; Django's `scrypt$N$SALT$r$p$TAG`; Werkzeug's `scrypt:N:r:p$SALT$TAG` | N·r·p 2^20, which is 128 MiB; r 32, p 16 |
//! | PBKDF2 | `$pbkdf2$` (SHA-1), `$pbkdf2-sha1$`, `$pbkdf2-sha256$` or `$pbkdf2-sha512$`, then `ITERATIONS$SALT$TAG` as passlib has it, or `i=ITERATIONS,l=LENGTH$SALT$TAG`; Django's `pbkdf2_sha1$`, `pbkdf2_sha256$` or `pbkdf2_sha512$`, then `ITERATIONS$SALT$TAG` with the salt as it is; LDAP's and passlib's `{PBKDF2}`, `{PBKDF2-SHA256}` and so on; Werkzeug's `pbkdf2:sha256:ITERATIONS$SALT$TAG`; base64 of ASP.NET Core Identity, versions 2 and 3 | 2,000,000 iterations |
//! | SHA-crypt | `$5$` or `$6$`, or Kratos' `$sha256-crypt$` or `$sha512-crypt$`, then `rounds=…$` or nothing, then `SALT$TAG` | 700,000 rounds; passwords of 511 bytes |
//! | Firebase | `$fbscrypt$v=1,n=…,r=…,p=…,ss=SEPARATOR,sk=SIGNER_KEY$SALT$HASH`, n the memory cost, r the rounds, p 1; Kratos' `$firescrypt$ln=…,r=…,p=…$SALT$HASH$SEPARATOR$SIGNER_KEY` | as scrypt |
//!
//! Base64 may have its padding or not, and `.` for `+`. A scheme such as LDAP's `{CRYPT}` may stand before a hash that
//! begins with `$`. Tags of PBKDF2 and scrypt may have any length from 16 bytes on, those of argon2 from 10 on.
//!
//! A text has at most 512 bytes; anything else is refused. The limits bound one verification to two seconds of one
//! hashing thread, and its memory to what argon2 may ask for. They are checked before anything is computed, when a hash
//! is taken in and again when it is used, for the database may have been written by others.
//!
//! Hashes that cost next to nothing, such as `{SSHA}`, MD5 and traditional crypt, are refused by name: those of people who
//! come back late or never would lie in the database for ever, where they are as good as passwords.
//!
//! A foreign hash costs what its maker chose, so whoever measures sign-ins can tell an account that has one from a name
//! that nobody has. No other work could hide that: the costs of the formats differ by a factor of a thousand. It ends
//! with the first sign-in, and the waiting times after failures bound what can be measured until then.
//!
//! Other systems hash a password in the form in which it was typed, so it is tried in that one too. bcrypt sees the first
//! 72 bytes of a password; the rest counts from the first sign-in on, as it was typed then.

mod argon2;
mod aspnet;
mod bcrypt;
mod firebase;
mod pbkdf2;
mod scrypt;
mod sha_crypt;
#[cfg(test)]
mod tests;
mod werkzeug;

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use self::argon2::Argon2Variant;
use self::bcrypt::BcryptHash;
use self::firebase::FirebaseHash;
use self::pbkdf2::{Digest, Pbkdf2Hash};
use self::scrypt::ScryptHash;
use self::sha_crypt::ShaCryptHash;
use crate::application::ports::{Cause, HashRefused};

/// A hash of another system that is safe to compute.
pub(super) trait ForeignHash: Send {
    /// Whether the password belongs to it: computes the hash and compares in constant time.
    fn matches(&self, password: &str) -> Result<bool, Cause>;
}

/// How hashes begin that a graphics card tries by the thousand million a second. What LDAP has in braces is in any case.
const WEAK: [&str; 20] = [
    "{ssha",
    "{sha",
    "{smd5",
    "{md5",
    "{crypt}",
    "{clear",
    "{noop}",
    "{plain",
    "$1$",
    "$apr1$",
    "$md5",
    "$sha1$",
    "$sha256$",
    "$sha512$",
    "$hmac-",
    "$p$",
    "$h$",
    "md5$",
    "sha1$",
    "unsalted_",
];

/// The hash itself without what some systems write before it to say of which kind it is, as it says that too.
pub(super) fn bare(text: &str) -> &str {
    let scheme_and_hash = text.strip_prefix('{').and_then(|rest| rest.split_once('}'));
    let text = scheme_and_hash.map_or(text, |(_, hash)| if hash.starts_with('$') { hash } else { text });
    let named = [("argon2", "$argon2"), ("bcrypt$", "$2")].into_iter();
    let mut bare = named.filter_map(|(name, begin)| text.strip_prefix(name).filter(|hash| hash.starts_with(begin)));
    bare.next().unwrap_or(text)
}

/// Reads a hash. What it asks for is checked, and nothing is computed.
pub(super) fn parse(text: &str) -> Result<Box<dyn ForeignHash>, HashRefused> {
    Ok(match text.split('$').collect::<Vec<_>>().as_slice() {
        ["", name @ ("argon2id" | "argon2i" | "argon2d"), fields @ ..] => Box::new(Argon2Variant::parse(name, fields)?),
        ["", "2a" | "2b" | "2y", fields @ ..] => Box::new(BcryptHash::parse(fields)?),
        ["", "bcrypt-sha256", fields @ ..] => Box::new(BcryptHash::passlib_sha256(fields)?),
        ["bcrypt_sha256", "", "2a" | "2b" | "2y", fields @ ..] => Box::new(BcryptHash::django_sha256(fields)?),
        ["", "scrypt", fields @ ..] => Box::new(ScryptHash::parse(fields)?),
        ["scrypt", fields @ ..] => Box::new(ScryptHash::django(fields)?),
        ["", "pbkdf2" | "pbkdf2-sha1", fields @ ..] => Box::new(Pbkdf2Hash::parse(Digest::Sha1, fields)?),
        ["", "pbkdf2-sha256", fields @ ..] => Box::new(Pbkdf2Hash::parse(Digest::Sha256, fields)?),
        ["", "pbkdf2-sha512", fields @ ..] => Box::new(Pbkdf2Hash::parse(Digest::Sha512, fields)?),
        ["pbkdf2_sha1", fields @ ..] => Box::new(Pbkdf2Hash::django(Digest::Sha1, fields)?),
        ["pbkdf2_sha256", fields @ ..] => Box::new(Pbkdf2Hash::django(Digest::Sha256, fields)?),
        ["pbkdf2_sha512", fields @ ..] => Box::new(Pbkdf2Hash::django(Digest::Sha512, fields)?),
        ["", "5" | "sha256-crypt", fields @ ..] => Box::new(ShaCryptHash::parse("5", 32, fields)?),
        ["", "6" | "sha512-crypt", fields @ ..] => Box::new(ShaCryptHash::parse("6", 64, fields)?),
        ["", "fbscrypt", fields @ ..] => Box::new(FirebaseHash::parse(fields)?),
        ["", "firescrypt", fields @ ..] => Box::new(FirebaseHash::kratos(fields)?),
        [method, salt, tag] if method.starts_with("pbkdf2:") => Box::new(werkzeug::pbkdf2(method, salt, tag)?),
        [method, salt, tag] if method.starts_with("scrypt:") => Box::new(werkzeug::scrypt(method, salt, tag)?),
        [iterations, fields @ ..] if is_ldap(iterations) => {
            let (digest, iterations) = ldap(iterations)?;
            Box::new(Pbkdf2Hash::parse(digest, &[&[iterations], fields].concat())?)
        }
        [text] if aspnet::is_one(text) => Box::new(aspnet::parse(text)?),
        _ if is_weak(text) => return Err(HashRefused::Weak),
        _ => return Err(HashRefused::Format),
    })
}

/// Whether PBKDF2 is named as LDAP names schemes.
fn is_ldap(text: &str) -> bool {
    text.get(..7).is_some_and(|begin| begin.eq_ignore_ascii_case("{pbkdf2"))
}

/// The digest and the iterations of such a beginning.
fn ldap(text: &str) -> Result<(Digest, &str), HashRefused> {
    let (name, iterations) = text.split_once('}').ok_or(HashRefused::Format)?;
    let digest = match name.to_ascii_lowercase().as_str() {
        "{pbkdf2" | "{pbkdf2-sha1" => Digest::Sha1,
        "{pbkdf2-sha256" => Digest::Sha256,
        "{pbkdf2-sha512" => Digest::Sha512,
        _ => return Err(HashRefused::Format),
    };
    Ok((digest, iterations))
}

/// Also digests without a name, in hexadecimal, and what crypt(3) made of a password before it named its functions.
fn is_weak(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let is_digest = matches!(text.len(), 32 | 40 | 64 | 128) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_crypt = text.len() == 13 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"./".contains(&byte));
    is_digest || is_crypt || WEAK.iter().any(|begin| lower.starts_with(begin))
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

/// Base64 whose makers agree on the letters and not on the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// passlib writes `.` for `+`, which stands for nothing else in other texts.
fn decode(text: &str) -> Result<Vec<u8>, HashRefused> {
    let text = if text.contains('.') { Cow::Owned(text.replace('.', "+")) } else { Cow::Borrowed(text) };
    BASE64.decode(text.as_bytes()).map_err(|_| HashRefused::Malformed)
}
