//! SHA-crypt, the hashes of crypt(3) on Linux.

use ::sha_crypt::BLOCK_SIZE_SHA512;
use ::sha_crypt::ShaCrypt;
use ::sha_crypt::password_hash::{Error, PasswordVerifier};
use base64ct::{Base64ShaCrypt, Encoding};

use super::{ForeignHash, number};
use crate::application::ports::{Cause, HashRefused};

/// The most rounds: half a second on one core for a usual password. passlib writes up to 656,000.
const MAX_ROUNDS: u32 = 700_000;
/// What makers raise smaller numbers to.
const MIN_ROUNDS: u32 = 1000;
/// The longest password in bytes, which is that of libxcrypt. Each round digests all of it: the longest takes about two
/// seconds.
const MAX_PASSWORD_BYTES: usize = 511;
const MAX_SALT_CHARACTERS: usize = 16;

/// A hash of SHA-crypt. The function reads its text itself, which holds nothing but what was checked before.
pub(super) struct ShaCryptHash {
    text: String,
}

impl ShaCryptHash {
    /// Checks the fields after the name of the function, which has a number and tags of so many bytes: the rounds, unless
    /// they are 5000; the salt; the tag.
    pub(super) fn parse(function: &str, tag_bytes: usize, fields: &[&str]) -> Result<Self, HashRefused> {
        let (rounds, salt, tag) = match *fields {
            [salt, tag] => (None, salt, tag),
            [rounds, salt, tag] => (Some(rounds), salt, tag),
            _ => return Err(HashRefused::Malformed),
        };
        let salted = (1..=MAX_SALT_CHARACTERS).contains(&salt.len()) && salt.bytes().all(is_of_alphabet);
        let mut digest = [0; BLOCK_SIZE_SHA512];
        let tagged = Base64ShaCrypt::decode(tag, &mut digest).is_ok_and(|digest| digest.len() == tag_bytes);
        if !salted || !tagged {
            return Err(HashRefused::Malformed);
        }
        if let Some(rounds) = rounds {
            check_rounds(rounds)?;
        }
        Ok(Self { text: format!("${function}${}", fields.join("$")) })
    }
}

impl ForeignHash for ShaCryptHash {
    fn matches(&self, password: &str) -> Result<bool, Cause> {
        if password.len() > MAX_PASSWORD_BYTES {
            return Ok(false);
        }
        match ShaCrypt::default().verify_password(password.as_bytes(), self.text.as_str()) {
            Ok(()) => Ok(true),
            Err(Error::PasswordInvalid) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

fn check_rounds(field: &str) -> Result<(), HashRefused> {
    match number(field.strip_prefix("rounds=").ok_or(HashRefused::Malformed)?)? {
        ..MIN_ROUNDS => Err(HashRefused::Malformed),
        MIN_ROUNDS..=MAX_ROUNDS => Ok(()),
        _ => Err(HashRefused::Cost),
    }
}

fn is_of_alphabet(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'/'
}
