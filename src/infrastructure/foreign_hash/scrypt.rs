//! scrypt (RFC 7914).

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{ForeignHash, decode, number, parameters};
use crate::application::ports::{Cause, HashRefused};

/// The most of N·r·p, which is the time: a third of a second on one core. As a computation holds 128·N·r bytes, it is
/// the memory too: 128 MiB, half of what argon2 may ask for. All settings that the OWASP Password Storage Cheat Sheet
/// recommends are within it.
const MAX_WORK: u64 = 1 << 20;
/// The largest block size r. With that of p, it bounds what is held beside the 128 MiB to 64 KiB.
const MAX_BLOCK_SIZE: u32 = 32;
/// The largest parallelism p.
const MAX_PARALLELISM: u32 = 16;

/// The shortest tag: what is shorter could be guessed.
const LEAST_TAG_BYTES: usize = 16;

/// Cost parameters within the limits.
pub(super) struct Cost(::scrypt::Params);

impl Cost {
    /// Reads the logarithm of N to the base 2, r and p.
    pub(super) fn parse([log_n, r, p]: [&str; 3]) -> Result<Self, HashRefused> {
        Self::new(number(log_n)?, [r, p])
    }

    /// Reads N, r and p.
    pub(super) fn of_n([n, r, p]: [&str; 3]) -> Result<Self, HashRefused> {
        let n = number(n)?;
        if u64::from(n) > MAX_WORK {
            return Err(HashRefused::Cost);
        }
        if n.is_power_of_two() { Self::new(n.ilog2(), [r, p]) } else { Err(HashRefused::Malformed) }
    }

    fn new(log_n: u32, [r, p]: [&str; 2]) -> Result<Self, HashRefused> {
        let (r, p) = (number(r)?, number(p)?);
        if r > MAX_BLOCK_SIZE || p > MAX_PARALLELISM || log_n > MAX_WORK.ilog2() {
            return Err(HashRefused::Cost);
        }
        if u64::from(r * p) << log_n > MAX_WORK {
            return Err(HashRefused::Cost);
        }
        let log_n = u8::try_from(log_n).map_err(|_| HashRefused::Cost)?;
        ::scrypt::Params::new(log_n, r, p).map(Self).map_err(|_| HashRefused::Malformed)
    }

    /// Derives as many bytes as there is room for.
    pub(super) fn derive(&self, password: &str, salt: &[u8], key: &mut [u8]) -> Result<(), Cause> {
        Ok(::scrypt::scrypt(password.as_bytes(), salt, &self.0, key)?)
    }
}

/// A hash of scrypt.
pub(super) struct ScryptHash {
    cost: Cost,
    salt: Vec<u8>,
    tag: Vec<u8>,
}

impl ScryptHash {
    /// Reads the fields after the function's name: the parameters, the salt, the tag. Kratos writes N where all others have
    /// its logarithm, which is never so large.
    pub(super) fn parse(fields: &[&str]) -> Result<Self, HashRefused> {
        let &[cost, salt, tag] = fields else {
            return Err(HashRefused::Malformed);
        };
        let cost = parameters(cost, ["ln", "r", "p"])?;
        let is_n = number(cost[0])? >= u32::BITS;
        let cost = if is_n { Cost::of_n(cost)? } else { Cost::parse(cost)? };
        Self::new(cost, decode(salt)?, decode(tag)?)
    }

    /// Reads the fields of Django after the name: N, the salt as it is, r, p, the tag.
    pub(super) fn django(fields: &[&str]) -> Result<Self, HashRefused> {
        let &[n, salt, r, p, tag] = fields else {
            return Err(HashRefused::Malformed);
        };
        Self::new(Cost::of_n([n, r, p])?, salt.as_bytes().to_vec(), decode(tag)?)
    }

    /// A hash of this cost with a salt and a tag.
    pub(super) fn new(cost: Cost, salt: Vec<u8>, tag: Vec<u8>) -> Result<Self, HashRefused> {
        if tag.len() < LEAST_TAG_BYTES { Err(HashRefused::Malformed) } else { Ok(Self { cost, salt, tag }) }
    }
}

impl ForeignHash for ScryptHash {
    fn matches(&self, password: &str) -> Result<bool, Cause> {
        let mut computed = Zeroizing::new(vec![0; self.tag.len()]);
        self.cost.derive(password, &self.salt, &mut computed)?;
        Ok(computed.ct_eq(&self.tag).into())
    }
}
