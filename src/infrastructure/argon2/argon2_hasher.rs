//! Password hashing with argon2id on the hashing lane, which verifies the hashes of other systems too.

#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ::argon2::Params;
use ::argon2::password_hash::phc::Output;
use async_trait::async_trait;
use subtle::ConstantTimeEq;

use super::argon2_hash::{Argon2Hash, MAX_ITERATIONS, MAX_MEMORY_KIB, Recipe};
pub use super::hashing_lane::LaneCounts;
use super::hashing_lane::{HashingLane, LaneSize, Memory};
use crate::application::ports::{Cause, Entropy, HashError, HashRefused, PasswordHasher, Verification};
use crate::domain::credential::password::{MAX_HASH_BYTES, NewPassword, Password, PasswordHash, PasswordRejected};
use crate::domain::secret::Secret;
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

    /// How long all threads together have worked.
    #[must_use]
    pub fn busy(&self) -> Duration {
        self.lane.busy()
    }

    /// The recipe of a new hash.
    fn salted(&self) -> Result<Recipe, HashError> {
        let salt = self.entropy.bytes().map_err(HashError::Failed)?;
        self.current.salted(&salt).map_err(HashError::Failed)
    }

    async fn compute(&self, recipe: Recipe, password: &str) -> Result<Output, HashError> {
        let password = Secret::new(password);
        self.lane.run(move |memory| recipe.compute(password.expose(), memory)).await?.map_err(HashError::Failed)
    }

    /// Compares one form of a password.
    async fn verify_form(&self, password: &str, hash: Option<&PasswordHash>) -> Result<Verification, HashError> {
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

    async fn verify_argon2(&self, password: &str, stored: Argon2Hash) -> Result<Verification, HashError> {
        let tag = self.compute(stored.recipe.clone(), password).await?;
        let matches: bool = tag.as_bytes().ct_eq(stored.tag.as_bytes()).into();
        Ok(match (matches, stored.recipe.is_outdated_by(&self.current)) {
            (false, _) => Verification::Mismatch,
            (true, false) => Verification::Match,
            (true, true) => Verification::MatchOutdated,
        })
    }

    async fn verify_foreign(&self, password: &str, stored: Box<dyn ForeignHash>) -> Result<Verification, HashError> {
        let password = Secret::new(password);
        let work = move |_: &mut Memory| stored.matches(password.expose());
        let matches = self.lane.run(work).await?.map_err(HashError::Failed)?;
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
        let text = foreign_hash::bare(text);
        match Argon2Hash::parse(text) {
            Err(HashRefused::Format | HashRefused::Malformed) => foreign_hash::parse(text).map(Self::Foreign),
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
        let tag = self.compute(recipe.clone(), password.expose()).await?;
        finish(&recipe, tag)
    }

    async fn hash_like(&self, password: &Password, like: &PasswordHash) -> Result<PasswordHash, HashError> {
        let like = Argon2Hash::parse(like.as_str());
        let like = like.map_err(|refused| HashError::Failed(format!("the stored hash {refused}").into()))?;
        let tag = self.compute(like.recipe.clone(), password.expose()).await?;
        finish(&like.recipe, tag)
    }

    async fn verify(&self, password: &Password, hash: Option<&PasswordHash>) -> Result<Verification, HashError> {
        let normalised = self.verify_form(password.expose(), hash).await?;
        let Some(written) = password.as_it_came() else {
            return Ok(normalised);
        };
        // Argon2 hashes of others look like our own, so that there is no kind of hash to leave this out for.
        let written = self.verify_form(written, hash).await?;
        Ok(match (normalised, written) {
            (Verification::Mismatch, Verification::Match | Verification::MatchOutdated) => Verification::MatchOutdated,
            (normalised, _) => normalised,
        })
    }

    fn accept(&self, text: &str) -> Result<PasswordHash, HashRefused> {
        StoredHash::parse(text).map(|_| PasswordHash::new(text.to_owned()))
    }

    fn accept_alike(&self, texts: &[&str]) -> Result<Vec<PasswordHash>, HashRefused> {
        let mut recipe = None;
        for (place, text) in texts.iter().enumerate() {
            text::required(text, MAX_HASH_BYTES)?;
            let own = Argon2Hash::parse(text)?.into_own(text).ok_or(HashRefused::Foreign)?;
            if texts[..place].contains(text) || *recipe.get_or_insert_with(|| own.clone()) != own {
                return Err(HashRefused::Salt);
            }
        }
        Ok(texts.iter().map(|text| PasswordHash::new((*text).to_owned())).collect())
    }
}
