use std::sync::{Arc, PoisonError};

use super::Keys;
use crate::application::error::Result;
use crate::application::ports::{OpenedKey, SealError, SealedPlace};
use crate::domain::token::key_ring::KeyRing;
use crate::domain::token::signing_key::SigningKey;

impl Keys {
    /// Takes up what other processes did to the keys. A root secret that does not open holds no signing key up.
    pub async fn reload(&self) -> Result<()> {
        let signing_keys = self.reload_signing_keys().await;
        self.roots.reload().await?;
        signing_keys
    }

    async fn reload_signing_keys(&self) -> Result<()> {
        let _in_order = self.in_order.lock().await;
        let keys = self.store.read().await?.signing_keys().list_signing_keys().await?;
        if *self.held() == *keys { Ok(()) } else { self.put_to_use(&keys) }
    }

    /// Signs and checks with these keys from now on, and tells verifiers of them. Keys that are over stay closed. One that
    /// does not open is an error, and is not used; the others are, or a revoked key would continue where a new one does not open.
    pub(super) fn put_to_use(&self, keys: &[SigningKey]) -> Result<()> {
        let now = self.clock.now();
        let in_use = keys.iter().filter(|key| key.is_listed(now));
        let (opened, closed): (Vec<_>, Vec<_>) =
            in_use.map(|key| self.open_key(key)).partition(std::result::Result::is_ok);
        let opened: Vec<OpenedKey> = opened.into_iter().flatten().collect();
        self.tokens.use_keys(&opened)?;
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = keys.into();
        closed.into_iter().try_for_each(|key| key.map(drop)).map_err(Into::into)
    }

    fn open_key(&self, key: &SigningKey) -> std::result::Result<OpenedKey, SealError> {
        let place = SealedPlace::SigningKey(key.kid.clone());
        let private_key = self.sealer.open(&place, &key.sealed_private_key)?;
        Ok(OpenedKey { key: key.clone(), private_key })
    }

    /// The keys in memory.
    pub(super) fn held(&self) -> Arc<[SigningKey]> {
        Arc::clone(&self.held.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The ring of the keys in memory.
    pub(super) fn ring(&self) -> KeyRing {
        KeyRing::new(self.held().to_vec())
    }
}
