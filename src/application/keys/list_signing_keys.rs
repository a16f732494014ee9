use super::Keys;
use crate::application::error::Result;
use crate::domain::signing_key::{SigningKey, SigningKeyState};

impl Keys {
    /// Lists the keys that verifiers need, newest first, each with its state now.
    pub async fn list_signing_keys(&self) -> Result<Vec<(SigningKey, SigningKeyState)>> {
        let now = self.clock.now();
        let keys = self.store.read().await?.signing_keys().list_signing_keys().await?;
        let with_state = keys.into_iter().map(|key| {
            let state = key.state(now);
            (key, state)
        });
        Ok(with_state.filter(|(_, state)| *state != SigningKeyState::Retired).collect())
    }
}
