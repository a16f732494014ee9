//! PBKDF2 with HMAC (RFC 8018), as passlib, Keycloak, Kratos and Django write it.

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{ForeignHash, decode, number, parameters};
use crate::application::ports::{Cause, HashRefused};

/// The most iterations: a third of a second on one core, with SHA-512 somewhat more than a second. Django 6.0 writes
/// 1,200,000.
const MAX_ITERATIONS: u32 = 2_000_000;
/// The shortest tag: what is shorter could be guessed.
const LEAST_TAG_BYTES: usize = 16;

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

/// A hash of PBKDF2. Of a tag that is longer than one digest, as Keycloak makes them, the first block is enough: each block
/// is a function of the password and of its number alone (RFC 8018, 5.2).
pub(super) struct Pbkdf2Hash {
    digest: Digest,
    iterations: NonZeroU32,
    salt: Vec<u8>,
    /// At most one block.
    tag: Vec<u8>,
}

impl Pbkdf2Hash {
    /// Reads the fields after the name of the function: the iterations, as passlib has them or with the length of the tag;
    /// the salt and the tag.
    pub(super) fn parse(digest: Digest, fields: &[&str]) -> Result<Self, HashRefused> {
        let &[cost, salt, tag] = fields else {
            return Err(HashRefused::Malformed);
        };
        let tag = decode(tag)?;
        let iterations = if cost.contains('=') {
            let [iterations, length] = parameters(cost, ["i", "l"])?;
            if usize::try_from(number(length)?) != Ok(tag.len()) {
                return Err(HashRefused::Malformed);
            }
            iterations
        } else {
            cost
        };
        Self::new(digest, iterations, (decode(salt)?, tag))
    }

    /// Reads the fields of Django after the name: the iterations, the salt as it is, the tag.
    pub(super) fn django(digest: Digest, fields: &[&str]) -> Result<Self, HashRefused> {
        let &[iterations, salt, tag] = fields else {
            return Err(HashRefused::Malformed);
        };
        Self::new(digest, iterations, (salt.as_bytes().to_vec(), decode(tag)?))
    }

    /// A hash of so many iterations with a salt and a tag.
    pub(super) fn new(
        digest: Digest,
        iterations: &str,
        (salt, mut tag): (Vec<u8>, Vec<u8>),
    ) -> Result<Self, HashRefused> {
        let iterations = NonZeroU32::new(number(iterations)?).ok_or(HashRefused::Malformed)?;
        if tag.len() < LEAST_TAG_BYTES {
            return Err(HashRefused::Malformed);
        }
        if iterations.get() > MAX_ITERATIONS {
            return Err(HashRefused::Cost);
        }
        tag.truncate(digest.bytes());
        Ok(Self { digest, iterations, salt, tag })
    }
}

impl ForeignHash for Pbkdf2Hash {
    fn matches(&self, password: &str) -> Result<bool, Cause> {
        let mut computed = Zeroizing::new(vec![0; self.tag.len()]);
        pbkdf2::derive(self.digest.algorithm(), self.iterations, &self.salt, password.as_bytes(), &mut computed);
        Ok(computed.ct_eq(&self.tag).into())
    }
}
