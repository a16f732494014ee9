use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::ServiceAccounts;
use crate::application::error::Result;
use crate::domain::Timestamp;
use crate::domain::credential::api_key::{ApiKey, USE_PRECISION};
use crate::domain::id::ApiKeyId;

/// How many uses one transaction writes down, so that no writer waits long.
const BATCH: usize = 500;

/// Uses of keys that wait to be written down: an exchange must not wait for a writer, nor fail with it.
#[derive(Default)]
pub(super) struct KeyUses(Mutex<BTreeMap<ApiKeyId, Timestamp>>);

impl KeyUses {
    /// Keeps a use in mind, if it is worth it.
    pub(super) fn note(&self, key: &ApiKey, now: Timestamp) {
        if key.is_use_news(now) {
            self.waiting().insert(key.id, now);
        }
    }

    /// Takes uses out, in the order of ids: replicas that write the same ones down must not lock each other out.
    fn take(&self) -> Vec<(ApiKeyId, Timestamp)> {
        let mut waiting = self.waiting();
        std::iter::from_fn(|| waiting.pop_first()).take(BATCH).collect()
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<ApiKeyId, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ServiceAccounts {
    /// Writes down when keys were last used, each at most once a minute. What cannot be written down is forgotten: the
    /// key's next use is as good.
    pub async fn record_key_uses(&self) -> Result<()> {
        loop {
            let uses = self.uses.take();
            if uses.is_empty() {
                return Ok(());
            }
            let tx = self.store.write().await?;
            for (id, time) in uses {
                tx.api_keys().record_api_key_use(id, time, time - USE_PRECISION).await?;
            }
            tx.commit().await?;
        }
    }
}
