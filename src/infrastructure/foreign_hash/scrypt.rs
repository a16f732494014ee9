//! scrypt (RFC 7914).

use base64::engine::general_purpose::STANDARD_NO_PAD;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{ForeignHash, decode, number, parameters};
use crate::application::ports::{Cause, HashRefused};
use crate::domain::credential::password::Password;

/// The most of N·r·p, which is the time: a third of a second on one core. As a computation holds 128·N·r bytes, it is
/// the memory too: 128 MiB, half of what argon2 may ask for. All settings that the OWASP Password Storage Cheat Sheet
/// recommends are within it.
const MAX_WORK: u64 = 1 << 20;
/// The largest block size r. With that of p, it bounds what is held beside the 128 MiB to 64 KiB.
const MAX_BLOCK_SIZE: u32 = 32;
/// The largest parallelism p.
const MAX_PARALLELISM: u32 = 16;

/// The tags that are taken: shorter ones could be guessed, and nobody makes longer ones.
const TAG_BYTES: std::ops::RangeInclusive<usize> = 16..=64;

/// Cost parameters within the limits.
pub(super) struct Cost(::scrypt::Params);

impl Cost {
    /// Reads the logarithm of N to the base 2, r and p.
    pub(super) fn parse([log_n, r, p]: [&str; 3]) -> Result<Self, HashRefused> {
        let (log_n, r, p) = (number(log_n)?, number(r)?, number(p)?);
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
    pub(super) fn derive(&self, password: &Password, salt: &[u8], key: &mut [u8]) -> Result<(), Cause> {
        Ok(::scrypt::scrypt(password.expose().as_bytes(), salt, &self.0, key)?)
    }
}

/// A hash of scrypt in PHC string format.
pub(super) struct ScryptHash {
    cost: Cost,
    salt: Vec<u8>,
    tag: Vec<u8>,
}

impl ScryptHash {
    /// Reads the fields after the function's name: the parameters, the salt, the tag.
    pub(super) fn parse(fields: &[&str]) -> Result<Self, HashRefused> {
        let &[cost, salt, tag] = fields else {
            return Err(HashRefused::Malformed);
        };
        let hash = Self {
            cost: Cost::parse(parameters(cost, ["ln", "r", "p"])?)?,
            salt: decode(&STANDARD_NO_PAD, salt)?,
            tag: decode(&STANDARD_NO_PAD, tag)?,
        };
        if TAG_BYTES.contains(&hash.tag.len()) { Ok(hash) } else { Err(HashRefused::Malformed) }
    }
}

impl ForeignHash for ScryptHash {
    fn matches(&self, password: &Password) -> Result<bool, Cause> {
        let mut computed = Zeroizing::new(vec![0; self.tag.len()]);
        self.cost.derive(password, &self.salt, &mut computed)?;
        Ok(computed.ct_eq(&self.tag).into())
    }
}
