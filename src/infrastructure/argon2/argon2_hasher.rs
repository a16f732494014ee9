//! Password hashing with argon2id on the hashing lane, which verifies the hashes of other systems too.

use std::io;
use std::sync::Arc;
use std::thread;

use ::argon2::Params;
use ::argon2::password_hash::phc::Output;
use async_trait::async_trait;
use subtle::ConstantTimeEq;

use super::argon2_hash::{Argon2Hash, MAX_ITERATIONS, MAX_MEMORY_KIB, Recipe};
pub use super::hashing_lane::LaneCounts;
use super::hashing_lane::{HashingLane, LaneSize, Memory};
use crate::application::ports::{Cause, Entropy, HashError, HashRefused, PasswordHasher, Verification};
use crate::domain::credential::password::{MAX_HASH_BYTES, NewPassword, Password, PasswordHash, PasswordRejected};
use crate::domain::text;
use crate::infrastructure::breached_passwords::BreachedPasswords;
use crate::infrastructure::foreign_hash;
use crate::infrastructure::foreign_hash::ForeignHash;

/// What a new hash costs, and how many are made at once. The default cost is the floor (OWASP Password Storage Cheat
/// Sheet).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashingSettings {
    /// The memory of one hash in KiB, from 19456 to 262144.
    pub memory_kib: u32,
    /// How often a hash passes over its memory, from 2 to 16.
    pub iterations: u32,
    /// How many threads hash, at least one; each keeps `memory_kib`.
    pub threads: usize,
    /// How many passwords may wait, at least one, before more are refused.
    pub queue: usize,
}

impl Default for HashingSettings {
    /// The floor of the cost, a thread for each processor that the process may use (affinity and cgroup quota
    /// included), and a queue of 512.
    fn default() -> Self {
        Self {
            memory_kib: Params::DEFAULT_M_COST,
            iterations: Params::DEFAULT_T_COST,
            threads: thread::available_parallelism().map_or(1, usize::from),
            queue: 512,
        }
    }
}

/// Why hashing cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum HashingStartError {
    /// A setting out of its range.
    #[error(
        "password hashing takes {} to {MAX_MEMORY_KIB} KiB, {} to {MAX_ITERATIONS} iterations, a thread and a queue",
        Params::DEFAULT_M_COST,
        Params::DEFAULT_T_COST
    )]
    Settings,
    /// The operating system gave no thread.
    #[error("a hashing thread could not be started")]
    Thread(#[source] io::Error),
}

/// Hashes passwords with argon2id, and verifies those of other systems, on a lane of their own.
pub struct Argon2Hasher {
    lane: HashingLane,
    /// The recipe of new hashes before they get their salt. Without a stored hash it is computed as it is.
    current: Recipe,
    entropy: Arc<dyn Entropy>,
    breached: Option<Arc<BreachedPasswords>>,
}

impl Argon2Hasher {
    /// Starts the threads. Their memory comes with their first job.
    pub fn start(settings: HashingSettings, entropy: Arc<dyn Entropy>) -> Result<Self, HashingStartError> {
        let cost_allowed = (Params::DEFAULT_M_COST..=MAX_MEMORY_KIB).contains(&settings.memory_kib)
            && (Params::DEFAULT_T_COST..=MAX_ITERATIONS).contains(&settings.iterations);
        if !cost_allowed || settings.threads == 0 || settings.queue == 0 {
            return Err(HashingStartError::Settings);
        }
        let current = Recipe::new(settings.memory_kib, settings.iterations).map_err(|_| HashingStartError::Settings)?;
        let size = LaneSize { threads: settings.threads, queue: settings.queue, blocks: current.blocks() };
        let lane = HashingLane::start(size).map_err(HashingStartError::Thread)?;
        Ok(Self { lane, current, entropy, breached: None })
    }

    /// The same, and no password on this list is taken as a new one.
    #[must_use]
    pub fn without(self, breached: Option<BreachedPasswords>) -> Self {
        Self { breached: breached.map(Arc::new), ..self }
    }

    /// How many passwords wait for a thread, were taken by one, were refused.
    #[must_use]
    pub fn counts(&self) -> LaneCounts {
        self.lane.counts()
    }

    /// The recipe of a new hash.
    fn salted(&self) -> Result<Recipe, HashError> {
        let salt = self.entropy.bytes().map_err(HashError::Failed)?;
        self.current.salted(&salt).map_err(HashError::Failed)
    }

    async fn compute(&self, recipe: Recipe, password: &Password) -> Result<Output, HashError> {
        let password = password.clone();
        self.lane.run(move |memory| recipe.compute(password.expose(), memory)).await?.map_err(HashError::Failed)
    }

    async fn verify_argon2(&self, password: &Password, stored: Argon2Hash) -> Result<Verification, HashError> {
        let tag = self.compute(stored.recipe.clone(), password).await?;
        let matches: bool = tag.as_bytes().ct_eq(stored.tag.as_bytes()).into();
        Ok(match (matches, stored.recipe.is_outdated_by(&self.current)) {
            (false, _) => Verification::Mismatch,
            (true, false) => Verification::Match,
            (true, true) => Verification::MatchOutdated,
        })
    }

    async fn verify_foreign(
        &self,
        password: &Password,
        stored: Box<dyn ForeignHash>,
    ) -> Result<Verification, HashError> {
        let password = password.clone();
        let matches = self.lane.run(move |_| stored.matches(&password)).await?.map_err(HashError::Failed)?;
        Ok(if matches { Verification::MatchOutdated } else { Verification::Mismatch })
    }
}

fn finish(recipe: &Recipe, tag: Output) -> Result<PasswordHash, HashError> {
    recipe.phc(tag).map(PasswordHash::new).map_err(HashError::Failed)
}

/// A stored hash that is safe to compute.
enum StoredHash {
    Argon2(Argon2Hash),
    Foreign(Box<dyn ForeignHash>),
}

impl StoredHash {
    fn parse(text: &str) -> Result<Self, HashRefused> {
        text::required(text, MAX_HASH_BYTES)?;
        match Argon2Hash::parse(text) {
            Err(HashRefused::Format) => foreign_hash::parse(text).map(Self::Foreign),
            argon2 => argon2.map(Self::Argon2),
        }
    }
}

#[async_trait]
impl PasswordHasher for Argon2Hasher {
    async fn hash_new(
        &self,
        new: &NewPassword,
        earlier: Option<&PasswordHash>,
    ) -> Result<Result<PasswordHash, PasswordRejected>, HashError> {
        let earlier = earlier.and_then(|hash| Argon2Hash::parse(hash.as_str()).ok());
        let recipe = earlier.map_or_else(|| self.salted(), |hash| Ok(hash.recipe))?;
        let (new, salted, breached) = (new.clone(), recipe.clone(), self.breached.clone());
        let work = move |memory: &mut Memory| -> Result<Result<Output, PasswordRejected>, Cause> {
            let password = match new.accept() {
                Ok(password) => password.expose(),
                Err(rejected) => return Ok(Err(rejected)),
            };
            if breached.map_or(Ok(false), |list| list.contain(password))? {
                return Ok(Err(PasswordRejected::Blocklisted));
            }
            salted.compute(password, memory).map(Ok)
        };
        match self.lane.run(work).await?.map_err(HashError::Failed)? {
            Ok(tag) => finish(&recipe, tag).map(Ok),
            Err(rejected) => Ok(Err(rejected)),
        }
    }

    async fn hash(&self, password: &Password) -> Result<PasswordHash, HashError> {
        let recipe = self.salted()?;
        let tag = self.compute(recipe.clone(), password).await?;
        finish(&recipe, tag)
    }

    async fn verify(&self, password: &Password, hash: Option<&PasswordHash>) -> Result<Verification, HashError> {
        let Some(hash) = hash else {
            self.compute(self.current.clone(), password).await?;
            return Ok(Verification::Mismatch);
        };
        match StoredHash::parse(hash.as_str()) {
            Ok(StoredHash::Argon2(stored)) => self.verify_argon2(password, stored).await,
            Ok(StoredHash::Foreign(stored)) => self.verify_foreign(password, stored).await,
            Err(refused) => Err(HashError::Failed(format!("the stored hash {refused}").into())),
        }
    }

    fn accept(&self, text: &str) -> Result<PasswordHash, HashRefused> {
        StoredHash::parse(text).map(|_| PasswordHash::new(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infrastructure::system::SystemEntropy;

    const POLICY: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$gYJZtjEAJqjg26xdLmknq8/bB7MiWPrE9hsYuA+SkIU";
    const WEAK: &str = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    const LARGE: &str = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

    /// Made with argon2-cffi 25.1.0 and the Python package bcrypt 4.0.1.
    const ARGON2I: &str =
        "$argon2i$v=16$m=512,t=3,p=2$c2l4dGVlbiBieXRlcyBvaw$NlyPaEYnTapjkf9oZ+OL48yRgAxST91fr8O7F2xkCZU";
    const BCRYPT: &str = "$2b$04$ioTsaldKJflwuhh27ZmVPegB2rLQVtmxG1HtMERJ3IICHAGn2xnTq";

    fn hasher() -> Argon2Hasher {
        let settings = HashingSettings { threads: 2, ..HashingSettings::default() };
        Argon2Hasher::start(settings, Arc::new(SystemEntropy)).unwrap()
    }

    async fn verdict(hasher: &Argon2Hasher, password: &str, phc: &str) -> Verification {
        let password = Password::presented(password).unwrap();
        hasher.verify(&password, Some(&PasswordHash::new(phc.to_owned()))).await.unwrap()
    }

    #[tokio::test]
    async fn hashes_of_others_verify() {
        let hasher = hasher();
        for (password, phc, expected) in [
            ("correct horse battery staple", POLICY, Verification::Match),
            ("correct horse battery stapl", POLICY, Verification::Mismatch),
            ("password", WEAK, Verification::MatchOutdated),
            ("Password", WEAK, Verification::Mismatch),
            ("password", LARGE, Verification::Match),
        ] {
            assert_eq!(verdict(&hasher, password, phc).await, expected, "{password} {phc}");
        }
    }

    #[tokio::test]
    async fn a_new_hash_has_the_current_cost_and_its_own_salt() {
        let hasher = hasher();
        let password = Password::presented("correct horse battery staple").unwrap();
        let made = [hasher.hash(&password).await.unwrap(), hasher.hash(&password).await.unwrap()];
        assert_ne!(made[0], made[1]);
        for hash in &made {
            assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
            let lengths: Vec<usize> = hash.as_str().split('$').skip(4).map(str::len).collect();
            assert_eq!(lengths, [22, 43], "16 bytes of salt, 32 of tag");
            assert_eq!(verdict(&hasher, password.expose(), hash.as_str()).await, Verification::Match);
        }
    }

    #[tokio::test]
    async fn without_a_hash_nothing_matches() {
        let password = Password::presented("correct horse battery staple").unwrap();
        assert_eq!(hasher().verify(&password, None).await.unwrap(), Verification::Mismatch);
    }

    #[tokio::test]
    async fn hashes_of_other_systems_verify_and_are_outdated() {
        let hasher = hasher();
        for hash in [ARGON2I, BCRYPT] {
            let stored = hasher.accept(hash).unwrap();
            assert_eq!(stored.as_str(), hash);
            assert_eq!(verdict(&hasher, "correct horse battery staple", hash).await, Verification::MatchOutdated);
            assert_eq!(verdict(&hasher, "correct horse battery stapl", hash).await, Verification::Mismatch);
        }
    }

    #[tokio::test]
    async fn an_unusable_hash_is_not_accepted_and_a_failure_where_it_is_stored() {
        let (hasher, password) = (hasher(), Password::presented("password").unwrap());
        let filler = |length| std::iter::repeat_n('A', length).collect::<String>();
        for (text, reason) in [
            (WEAK.replace("m=256", "m=4294967295"), "costs more than is allowed"),
            (BCRYPT.replace("$04$", "$31$"), "costs more than is allowed"),
            (WEAK.replace("argon2id", "argon2d"), "is not a hash format that Ipse takes"),
            ("password".to_owned(), "is not a hash format that Ipse takes"),
            (WEAK.replace("t=2", "t=0"), "is malformed"),
            (BCRYPT.replace("$04$", "$4$"), "is malformed"),
            (String::new(), "is required"),
            (format!("{WEAK}{}", filler(512)), "must be at most 512 bytes"),
            (format!("pbkdf2_sha1$1$\0${}=", filler(27)), "must not contain U+0000"),
        ] {
            assert_eq!(hasher.accept(&text).unwrap_err().to_string(), reason, "{text}");
            let Err(HashError::Failed(cause)) = hasher.verify(&password, Some(&PasswordHash::new(text))).await else {
                panic!("verified a hash that {reason}");
            };
            assert_eq!(cause.to_string(), format!("the stored hash {reason}"));
        }
    }

    #[tokio::test]
    async fn a_storm_of_sign_ins_is_worked_off() {
        let hasher = hasher();
        let sign_ins = (0..200).map(|_| verdict(&hasher, "password", WEAK));
        let verdicts = futures_util::future::join_all(sign_ins).await;
        assert_eq!(verdicts, [Verification::MatchOutdated; 200]);
        assert_eq!(hasher.counts().waiting, 0);
    }

    #[test]
    fn the_default_cost_is_the_floor() {
        let default = HashingSettings { threads: 1, ..HashingSettings::default() };
        for settings in [
            HashingSettings { memory_kib: 19455, ..default },
            HashingSettings { memory_kib: MAX_MEMORY_KIB + 1, ..default },
            HashingSettings { iterations: 1, ..default },
            HashingSettings { iterations: MAX_ITERATIONS + 1, ..default },
            HashingSettings { threads: 0, ..default },
            HashingSettings { queue: 0, ..default },
        ] {
            let started = Argon2Hasher::start(settings, Arc::new(SystemEntropy));
            assert!(matches!(started, Err(HashingStartError::Settings)), "{settings:?}");
        }
        assert!(Argon2Hasher::start(default, Arc::new(SystemEntropy)).is_ok());
    }

    #[tokio::test]
    async fn rfc_9106_section_5_holds_on_memory_that_was_used_before() {
        use ::argon2::{Algorithm, Argon2, AssociatedData, ParamsBuilder, Version};
        let lane = HashingLane::start(LaneSize { threads: 1, queue: 1, blocks: 64 }).unwrap();
        let params = ParamsBuilder::new()
            .m_cost(32)
            .t_cost(3)
            .p_cost(4)
            .data(AssociatedData::new(&[4; 12]).unwrap())
            .output_len(32)
            .build()
            .unwrap();
        for (algorithm, tag) in [
            (Algorithm::Argon2d, "512b391b6f1162975371d30919734294f868e3be3984f3c1a13a4db9fabe4acb"),
            (Algorithm::Argon2i, "c814d9d1dc7f37aa13f0d77f2494bda1c8de6b016dd388d29952a4c4672b6ce8"),
            (Algorithm::Argon2id, "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"),
        ] {
            let argon2 = Argon2::new_with_secret(&[3; 8], algorithm, Version::V0x13, params.clone()).unwrap();
            let computed = lane.run(move |memory| {
                let mut computed = [0; 32];
                let hashed = memory.with_blocks(32, |blocks| {
                    argon2.hash_password_into_with_memory(&[1; 32], &[2; 16], &mut computed, blocks)
                });
                hashed.unwrap().unwrap();
                computed.map(|byte| format!("{byte:02x}")).concat()
            });
            assert_eq!(computed.await.unwrap(), tag, "{algorithm}");
        }
    }
}
