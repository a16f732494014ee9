//! Argon2id hashes in PHC string format: how new ones are written, and which stored ones are taken.

use std::fmt;

use ::argon2::password_hash::phc::{self, Output, Salt};
use ::argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Params, PasswordHash as PhcHash, Version};

use super::hashing_lane::Memory;
use crate::application::ports::Cause;

/// The most memory that a hash may ask for: 256 MiB.
pub(super) const MAX_MEMORY_KIB: u32 = 256 * 1024;
/// The most passes that a hash may ask for.
pub(super) const MAX_ITERATIONS: u32 = 16;
const MAX_LANES: u32 = 16;
const SALT_BYTES: usize = 16;
const TAG_BYTES: usize = 32;

/// Why a stored hash is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum UnusableHash {
    /// Not a PHC string with a salt, a tag and the parameters of argon2.
    #[error("the stored hash is malformed")]
    Malformed,
    /// Made by another function than argon2id.
    #[error("the stored hash is not argon2id")]
    Algorithm,
    /// So costly that computing it would be an attack.
    #[error("the stored hash costs more than is allowed")]
    Cost,
}

/// All that a hash depends on but the password.
#[derive(Clone)]
pub(super) struct Recipe {
    version: Version,
    params: Params,
    salt: Salt,
}

impl Recipe {
    /// A recipe for new hashes, with a salt of zeros.
    pub(super) fn new(memory_kib: u32, iterations: u32) -> Result<Self, Cause> {
        let params = Params::new(memory_kib, iterations, 1, Some(TAG_BYTES))?;
        Ok(Self { version: Version::V0x13, params, salt: Salt::new(&[0; SALT_BYTES])? })
    }

    /// The same recipe with this salt.
    pub(super) fn salted(&self, salt: &[u8; SALT_BYTES]) -> Result<Self, Cause> {
        Ok(Self { salt: Salt::new(salt)?, ..self.clone() })
    }

    /// How many blocks of 1 KiB are needed to compute it.
    pub(super) fn blocks(&self) -> usize {
        self.params.block_count()
    }

    /// Computes the tag.
    pub(super) fn compute(&self, password: &str, memory: &mut Memory) -> Result<Output, Cause> {
        let argon2 = Argon2::new(Algorithm::Argon2id, self.version, self.params.clone());
        let mut tag = [0; Output::MAX_LENGTH];
        let tag = &mut tag[..self.params.output_len().unwrap_or(TAG_BYTES).min(Output::MAX_LENGTH)];
        memory.with_blocks(self.blocks(), |blocks| {
            argon2.hash_password_into_with_memory(password.as_bytes(), &self.salt, tag, blocks)
        })??;
        Ok(Output::new(tag)?)
    }

    /// Whether hashes of this recipe are easier to break than those of another, or of another form.
    pub(super) fn is_outdated_by(&self, current: &Self) -> bool {
        self.params.m_cost() < current.params.m_cost()
            || self.params.t_cost() < current.params.t_cost()
            || self.version != current.version
            || self.params.output_len() != current.params.output_len()
    }

    /// The PHC string of a hash of this recipe.
    pub(super) fn phc(&self, tag: Output) -> Result<String, Cause> {
        let params = (&self.params).try_into()?;
        let (version, salt, hash) = (Some(self.version.into()), Some(self.salt), Some(tag));
        Ok(PhcHash { algorithm: ARGON2ID_IDENT, version, params, salt, hash }.to_string())
    }
}

/// A stored hash that is safe to compute.
pub(super) struct StoredHash {
    /// How it was made.
    pub recipe: Recipe,
    /// What came out.
    pub tag: Output,
}

impl StoredHash {
    /// Reads a PHC string. What it asks for is checked before anything is allocated or computed.
    pub(super) fn parse(text: &str) -> Result<Self, UnusableHash> {
        let parsed = PhcHash::new(text).map_err(|_: phc::Error| UnusableHash::Malformed)?;
        if parsed.algorithm != ARGON2ID_IDENT {
            return Err(UnusableHash::Algorithm);
        }
        let (Some(salt), Some(tag)) = (parsed.salt, parsed.hash) else {
            return Err(UnusableHash::Malformed);
        };
        // A PHC string without a version is one of before version 0x13.
        let version = parsed.version.unwrap_or(Version::V0x10.into());
        let version = Version::try_from(version).map_err(|_| UnusableHash::Malformed)?;
        let params = Params::try_from(&parsed).map_err(|_| UnusableHash::Malformed)?;
        // Exactly these parameters, each given and given once: the parser would fill gaps with defaults.
        if parsed.params.as_str() != canonical(&params) {
            return Err(UnusableHash::Malformed);
        }
        if params.m_cost() > MAX_MEMORY_KIB || params.t_cost() > MAX_ITERATIONS || params.p_cost() > MAX_LANES {
            return Err(UnusableHash::Cost);
        }
        Ok(Self { recipe: Recipe { version, params, salt }, tag })
    }
}

fn canonical(params: &Params) -> String {
    format!("m={},t={},p={}", params.m_cost(), params.t_cost(), params.p_cost())
}

impl fmt::Debug for StoredHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredHash")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_and_written_alike() {
        let text = "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$gYJZtjEAJqjg26xdLmknq8/bB7MiWPrE9hsYuA+SkIU";
        let stored = StoredHash::parse(text).unwrap();
        assert_eq!(stored.recipe.phc(stored.tag).unwrap(), text);
    }

    #[test]
    fn hostile_and_foreign_hashes_are_refused_before_any_work() {
        use UnusableHash::{Algorithm, Cost, Malformed};
        const SALT_AND_TAG: &str = "AAECAwQFBgcICQoLDA0ODw$gYJZtjEAJqjg26xdLmknq8/bB7MiWPrE9hsYuA+SkIU";
        for (head, reason) in [
            ("$argon2id$v=19$m=4294967295,t=2,p=1$", Cost),
            ("$argon2id$v=19$m=262145,t=2,p=1$", Cost),
            ("$argon2id$v=19$m=19456,t=17,p=1$", Cost),
            ("$argon2id$v=19$m=19456,t=4294967295,p=1$", Cost),
            ("$argon2id$v=19$m=19456,t=2,p=17$", Cost),
            ("$argon2id$v=19$m=4294967296,t=2,p=1$", Malformed),
            ("$argon2id$v=19$m=19456,t=0,p=1$", Malformed),
            ("$argon2id$v=19$m=19456,t=2,p=0$", Malformed),
            ("$argon2id$v=19$m=0,t=2,p=1$", Malformed),
            ("$argon2id$v=19$m=8,t=2,p=16$", Malformed),
            ("$argon2id$v=19$m=19456,t=2$", Malformed),
            ("$argon2id$v=19$m=8,m=19456,t=2,p=1$", Malformed),
            ("$argon2id$v=19$m=19456,t=2,p=1,data=AAAA$", Malformed),
            ("$argon2id$v=19$m=19456,t=2,p=1,x=1$", Malformed),
            ("$argon2id$v=20$m=19456,t=2,p=1$", Malformed),
            ("$argon2id$v=19$", Malformed),
            ("$argon2i$v=19$m=19456,t=2,p=1$", Algorithm),
            ("$argon2d$v=19$m=19456,t=2,p=1$", Algorithm),
            ("$scrypt$ln=16,r=8,p=1$", Algorithm),
        ] {
            assert_eq!(StoredHash::parse(&format!("{head}{SALT_AND_TAG}")).unwrap_err(), reason, "{head}");
        }
        for text in [
            "",
            "$",
            "plain",
            "$argon2id$v=19$m=19456,t=2,p=1",
            "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw",
            "$argon2id$v=19$m=19456,t=2,p=1$gYJZtjEAJqjg26xdLmknq8/bB7MiWPrE9hsYuA+SkIU",
            "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$gYJZtg",
            "$argon2id$v=19$m=19456,t=2,p=1$AAEC$gYJZtjEAJqjg26xdLmknq8/bB7MiWPrE9hsYuA+SkIU",
            "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$gYJZtjEAJqjg26xdLmknq8/bB7MiWPrE9hsYuA+SkIU$",
            "$2b$12$AAECAwQFBgcICQoLDA0ODwgYJZtjEAJqjg26xdLmknq8",
        ] {
            assert_eq!(StoredHash::parse(text).unwrap_err(), Malformed, "{text}");
        }
    }

    #[test]
    fn weaker_and_older_hashes_are_outdated() {
        let current = Recipe::new(19456, 2).unwrap();
        let long = "gYJZtjEAJqjg26xdLmknq8/bB7MiWPrE9hsYuA+SkIU";
        for (head, tag, outdated) in [
            ("v=19$m=19456,t=2,p=1", long, false),
            ("v=19$m=65536,t=3,p=4", long, false),
            ("v=19$m=19455,t=2,p=1", long, true),
            ("v=19$m=47104,t=1,p=1", long, true),
            ("v=16$m=19456,t=2,p=1", long, true),
            ("m=19456,t=2,p=1", long, true),
            ("v=19$m=19456,t=2,p=1", &long[..24], true),
        ] {
            let stored = StoredHash::parse(&format!("$argon2id${head}$AAECAwQFBgcICQoLDA0ODw${tag}")).unwrap();
            assert_eq!(stored.recipe.is_outdated_by(&current), outdated, "{head}");
        }
    }
}
