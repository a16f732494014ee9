//! Argon2 (RFC 9106) in the forms that this service does not write: argon2d, parameters in another order, salts and tags of
//! any length, padding.

use ::argon2::{Algorithm, Argon2, Params, Version};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{ForeignHash, decode, number};
use crate::application::ports::{Cause, HashRefused};
use crate::infrastructure::argon2::{MAX_ITERATIONS, MAX_LANES, MAX_MEMORY_KIB};

/// The shortest tag: what is shorter could be guessed.
const LEAST_TAG_BYTES: usize = 10;

/// A hash of argon2 of another system.
pub(super) struct Argon2Variant {
    function: Argon2<'static>,
    salt: Vec<u8>,
    tag: Vec<u8>,
}

impl Argon2Variant {
    /// Reads the fields after the function's name: the version, without which it is the one before 0x13; the parameters;
    /// the salt and the tag.
    pub(super) fn parse(name: &str, fields: &[&str]) -> Result<Self, HashRefused> {
        let algorithm = Algorithm::new(name).map_err(|_| HashRefused::Format)?;
        let (version, cost, salt, tag) = match *fields {
            ["v=19", cost, salt, tag] => (Version::V0x13, cost, salt, tag),
            ["v=16", cost, salt, tag] | [cost, salt, tag] => (Version::V0x10, cost, salt, tag),
            _ => return Err(HashRefused::Malformed),
        };
        let [memory, iterations, lanes] = in_any_order(cost)?;
        if memory > MAX_MEMORY_KIB || iterations > MAX_ITERATIONS || lanes > MAX_LANES {
            return Err(HashRefused::Cost);
        }
        let (salt, tag) = (decode(salt)?, decode(tag)?);
        if tag.len() < LEAST_TAG_BYTES || salt.len() < ::argon2::MIN_SALT_LEN {
            return Err(HashRefused::Malformed);
        }
        let params = Params::new(memory, iterations, lanes, Some(tag.len())).map_err(|_| HashRefused::Malformed)?;
        Ok(Self { function: Argon2::new(algorithm, version, params), salt, tag })
    }
}

/// The values of m, t and p, each given once.
fn in_any_order(text: &str) -> Result<[u32; 3], HashRefused> {
    let mut values = [None; 3];
    for parameter in text.split(',') {
        let (name, value) = parameter.split_once('=').ok_or(HashRefused::Malformed)?;
        let place = ["m", "t", "p"].iter().position(|known| *known == name).ok_or(HashRefused::Malformed)?;
        if values[place].replace(number(value)?).is_some() {
            return Err(HashRefused::Malformed);
        }
    }
    match values {
        [Some(memory), Some(iterations), Some(lanes)] => Ok([memory, iterations, lanes]),
        _ => Err(HashRefused::Malformed),
    }
}

impl ForeignHash for Argon2Variant {
    fn matches(&self, password: &str) -> Result<bool, Cause> {
        let mut computed = Zeroizing::new(vec![0; self.tag.len()]);
        self.function.hash_password_into(password.as_bytes(), &self.salt, &mut computed)?;
        Ok(computed.ct_eq(&self.tag).into())
    }
}
