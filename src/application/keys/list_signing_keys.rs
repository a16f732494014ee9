use std::future::{Future, ready};

use super::{Keys, ListedKey};
use crate::application::error::Result;

impl Keys {
    /// Lists the keys that verifiers need, first the one that begins to sign last, each with its state now. They are in memory, so that nobody has to
    /// do without them while the database is away.
    pub fn list_signing_keys(&self) -> impl Future<Output = Result<Vec<ListedKey>>> + use<> {
        let now = self.clock.now();
        let listed =
            self.held().iter().filter(|key| key.is_listed(now)).map(|key| (key.clone(), key.state(now))).collect();
        ready(Ok(listed))
    }
}
