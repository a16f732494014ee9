//! Argon2 hashes in PHC string format (RFC 9106): how new ones are written, and which stored ones are taken.

use std::fmt;

use ::argon2::password_hash::phc::{self, Output, Salt};
use ::argon2::{Algorithm, Argon2, Params, PasswordHash as PhcHash, Version};

use super::hashing_lane::Memory;
use crate::application::ports::{Cause, HashRefused};

/// The most memory that a hash may ask for: 256 MiB.
pub(in crate::infrastructure) const MAX_MEMORY_KIB: u32 = 256 * 1024;
/// The most passes that a hash may ask for.
pub(in crate::infrastructure) const MAX_ITERATIONS: u32 = 16;
/// The most lanes that a hash may ask for.
pub(in crate::infrastructure) const MAX_LANES: u32 = 16;
const SALT_BYTES: usize = 16;
const TAG_BYTES: usize = 32;

/// All that a hash depends on but the password.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::infrastructure) struct Recipe {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Salt,
}

impl Recipe {
    /// A recipe for new hashes, with a salt of zeros.
    pub(in crate::infrastructure) fn new(memory_kib: u32, iterations: u32) -> Result<Self, Cause> {
        let params = Params::new(memory_kib, iterations, 1, Some(TAG_BYTES))?;
        let salt = Salt::new(&[0; SALT_BYTES])?;
        Ok(Self { algorithm: Algorithm::Argon2id, version: Version::V0x13, params, salt })
    }

    /// The same recipe with this salt.
    pub(in crate::infrastructure) fn salted(&self, salt: &[u8; SALT_BYTES]) -> Result<Self, Cause> {
        Ok(Self { salt: Salt::new(salt)?, ..self.clone() })
    }

    /// How many blocks of 1 KiB are needed to compute it.
    pub(in crate::infrastructure) fn blocks(&self) -> usize {
        self.params.block_count()
    }

    /// Computes the tag.
    pub(in crate::infrastructure) fn compute(&self, password: &str, memory: &mut Memory) -> Result<Output, Cause> {
        let argon2 = Argon2::new(self.algorithm, self.version, self.params.clone());
        let mut tag = [0; Output::MAX_LENGTH];
        let tag = &mut tag[..self.params.output_len().unwrap_or(TAG_BYTES).min(Output::MAX_LENGTH)];
        memory.with_blocks(self.blocks(), |blocks| {
            argon2.hash_password_into_with_memory(password.as_bytes(), &self.salt, tag, blocks)
        })??;
        Ok(Output::new(tag)?)
    }

    /// Whether hashes of this recipe are easier to break than those of another, or of another form.
    pub(in crate::infrastructure) fn is_outdated_by(&self, current: &Self) -> bool {
        self.params.m_cost() < current.params.m_cost()
            || self.params.t_cost() < current.params.t_cost()
            || self.algorithm != current.algorithm
            || self.version != current.version
            || self.params.output_len() != current.params.output_len()
    }

    /// The PHC string of a hash of this recipe.
    pub(in crate::infrastructure) fn phc(&self, tag: Output) -> Result<String, Cause> {
        let params = (&self.params).try_into()?;
        let (version, salt, hash) = (Some(self.version.into()), Some(self.salt), Some(tag));
        Ok(PhcHash { algorithm: self.algorithm.ident(), version, params, salt, hash }.to_string())
    }
}

/// A stored hash that is safe to compute.
pub(in crate::infrastructure) struct Argon2Hash {
    /// How it was made.
    pub recipe: Recipe,
    /// What came out.
    pub tag: Output,
}

impl Argon2Hash {
    /// Reads a PHC string. What it asks for is checked before anything is allocated or computed.
    pub(in crate::infrastructure) fn parse(text: &str) -> Result<Self, HashRefused> {
        let algorithm = match text.split('$').nth(1) {
            Some("argon2id") => Algorithm::Argon2id,
            Some("argon2i") => Algorithm::Argon2i,
            _ => return Err(HashRefused::Format),
        };
        let parsed = PhcHash::new(text).map_err(|_: phc::Error| HashRefused::Malformed)?;
        let (Some(salt), Some(tag)) = (parsed.salt, parsed.hash) else {
            return Err(HashRefused::Malformed);
        };
        // A PHC string without a version is one of before version 0x13.
        let version = parsed.version.unwrap_or(Version::V0x10.into());
        let version = Version::try_from(version).map_err(|_| HashRefused::Malformed)?;
        let params = Params::try_from(&parsed).map_err(|_| HashRefused::Malformed)?;
        // Exactly these parameters, each given and given once: the parser would fill in defaults.
        if parsed.params.as_str() != canonical(&params) {
            return Err(HashRefused::Malformed);
        }
        if params.m_cost() > MAX_MEMORY_KIB || params.t_cost() > MAX_ITERATIONS || params.p_cost() > MAX_LANES {
            return Err(HashRefused::Cost);
        }
        Ok(Self { recipe: Recipe { algorithm, version, params, salt }, tag })
    }

    /// How the hash was made, if this text of it is one that this service may have written: a presented secret that is
    /// hashed alike has the same text.
    pub(in crate::infrastructure) fn into_own(self, text: &str) -> Option<Recipe> {
        let Self { recipe, tag } = self;
        let params = &recipe.params;
        let is_own = recipe.algorithm == Algorithm::Argon2id
            && recipe.version == Version::V0x13
            && params.m_cost() >= Params::DEFAULT_M_COST
            && params.t_cost() >= Params::DEFAULT_T_COST
            && params.p_cost() == 1
            && recipe.salt.as_ref().len() == SALT_BYTES
            && tag.len() == TAG_BYTES
            && recipe.phc(tag).is_ok_and(|written| written == text);
        is_own.then_some(recipe)
    }
}

fn canonical(params: &Params) -> String {
    format!("m={},t={},p={}", params.m_cost(), params.t_cost(), params.p_cost())
}

impl fmt::Debug for Argon2Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Argon2Hash")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_hash_is_read_and_written_alike() {
        for function in ["argon2id", "argon2i"] {
            let text = format!(
                "${function}$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$gYJZtjEAJqjg26xdLmknq8/bB7MiWPrE9hsYuA+SkIU"
            );
            let stored = Argon2Hash::parse(&text).unwrap();
            assert_eq!(stored.recipe.phc(stored.tag).unwrap(), text);
        }
    }

    #[test]
    fn hostile_and_foreign_hashes_are_refused_before_any_work() {
        use HashRefused::{Cost, Format, Malformed};
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
            ("$argon2i$v=19$m=262145,t=2,p=1$", Cost),
            ("$argon2i$v=19$m=19456,t=17,p=1$", Cost),
            ("$argon2d$v=19$m=19456,t=2,p=1$", Format),
            ("$scrypt$ln=16,r=8,p=1$", Format),
        ] {
            assert_eq!(Argon2Hash::parse(&format!("{head}{SALT_AND_TAG}")).unwrap_err(), reason, "{head}");
        }
        for text in [
            "$argon2id",
            "$argon2id$v=19$m=19456,t=2,p=1",
            "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw",
            "$argon2id$v=19$m=19456,t=2,p=1$gYJZtjEAJqjg26xdLmknq8/bB7MiWPrE9hsYuA+SkIU",
            "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$gYJZtg",
            "$argon2id$v=19$m=19456,t=2,p=1$AAEC$gYJZtjEAJqjg26xdLmknq8/bB7MiWPrE9hsYuA+SkIU",
            "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$gYJZtjEAJqjg26xdLmknq8/bB7MiWPrE9hsYuA+SkIU$",
            "argon2$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$gYJZtjEAJqjg26xdLmknq8/bB7MiWPrE9hsYuA+SkIU",
        ] {
            assert_eq!(Argon2Hash::parse(text).unwrap_err(), Malformed, "{text}");
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
            for (function, outdated) in [("argon2id", outdated), ("argon2i", true)] {
                let text = format!("${function}${head}$AAECAwQFBgcICQoLDA0ODw${tag}");
                let stored = Argon2Hash::parse(&text).unwrap();
                assert_eq!(stored.recipe.is_outdated_by(&current), outdated, "{text}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(
            function in "argon2id?",
            rest in "(v=[0-9]{0,2}\\$)?(m=[0-9]{0,11},t=[0-9]{0,11},p=[0-9]{0,11})?.{0,100}",
        ) {
            let _ = Argon2Hash::parse(&format!("${function}${rest}"));
        }
    }
}
