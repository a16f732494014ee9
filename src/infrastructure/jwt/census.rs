//! What there is to know of the keys in memory.

use std::sync::PoisonError;
use std::time::Duration;

use super::Jwt;
use crate::domain::Timestamp;
use crate::domain::signing_key::SigningKeyState;

impl Jwt {
    /// How many keys are in this state at `now`.
    pub fn count_keys(&self, state: SigningKeyState, now: Timestamp) -> usize {
        self.keys().iter().filter(|key| key.state(now) == state).count()
    }

    /// How long ago the keys came with `use_keys`, whether there were new ones or not.
    pub fn age_of_keys(&self) -> Duration {
        self.taken_up.read().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}
