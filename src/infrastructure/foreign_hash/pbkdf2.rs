//! PBKDF2 with HMAC (RFC 8018), as passlib and as Django write it.

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{ForeignHash, decode, number};
use crate::application::ports::{Cause, HashRefused};
use crate::domain::credential::password::Password;

/// The most iterations: a third of a second on one core, with SHA-512 somewhat more than a second. Django 6.0 writes
/// 1,200,000.
const MAX_ITERATIONS: u32 = 2_000_000;

/// The digest within the HMAC.
#[derive(Clone, Copy)]
pub(super) enum Digest {
    Sha1,
    Sha256,
    Sha512,
}

impl Digest {
    fn algorithm(self) -> pbkdf2::Algorithm {
        match self {
            Self::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
            Self::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Self::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// A hash of PBKDF2 whose tag is one digest, so that each iteration is done once.
pub(super) struct Pbkdf2Hash {
    digest: Digest,
    iterations: NonZeroU32,
    salt: Vec<u8>,
    tag: Vec<u8>,
}

impl Pbkdf2Hash {
    /// Reads the fields of passlib after the name: the iterations; the salt and the tag in base64 with `.` for `+`.
    pub(super) fn passlib(digest: Digest, fields: &[&str]) -> Result<Self, HashRefused> {
        let &[iterations, salt, tag] = fields else {
            return Err(HashRefused::Malformed);
        };
        let adapted = |text: &str| decode(&STANDARD_NO_PAD, &text.replace('.', "+"));
        Self::new(digest, iterations, (adapted(salt)?, adapted(tag)?))
    }

    /// Reads the fields of Django after the name: the iterations, the salt as it is, the tag in base64.
    pub(super) fn django(digest: Digest, fields: &[&str]) -> Result<Self, HashRefused> {
        let &[iterations, salt, tag] = fields else {
            return Err(HashRefused::Malformed);
        };
        Self::new(digest, iterations, (salt.as_bytes().to_vec(), decode(&STANDARD, tag)?))
    }

    fn new(digest: Digest, iterations: &str, (salt, tag): (Vec<u8>, Vec<u8>)) -> Result<Self, HashRefused> {
        let iterations = NonZeroU32::new(number(iterations)?).ok_or(HashRefused::Malformed)?;
        if tag.len() != digest.bytes() {
            return Err(HashRefused::Malformed);
        }
        if iterations.get() > MAX_ITERATIONS {
            return Err(HashRefused::Cost);
        }
        Ok(Self { digest, iterations, salt, tag })
    }
}

impl ForeignHash for Pbkdf2Hash {
    fn matches(&self, password: &Password) -> Result<bool, Cause> {
        let mut computed = Zeroizing::new(vec![0; self.tag.len()]);
        let algorithm = self.digest.algorithm();
        pbkdf2::derive(algorithm, self.iterations, &self.salt, password.expose().as_bytes(), &mut computed);
        Ok(computed.ct_eq(&self.tag).into())
    }
}
