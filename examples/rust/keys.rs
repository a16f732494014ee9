//! The keys that sign tokens.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use ipse::proto::key_service_client::KeyServiceClient;
use ipse::proto::{ListSigningKeysRequest, SigningKey};
use jsonwebtoken::DecodingKey;
use tokio::time::sleep;
use tonic::Status;
use tonic::transport::Channel;

/// How often they are fetched. A key is published 15 minutes before it signs.
const FETCH_EVERY: Duration = Duration::from_secs(300);
/// When to try again after a failure.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Has no key until [`Keys::watch`] runs.
#[derive(Clone, Default)]
pub(crate) struct Keys(Arc<RwLock<HashMap<String, DecodingKey>>>);

impl Keys {
    /// The key with this `kid`.
    pub(crate) fn get(&self, kid: &str) -> Option<DecodingKey> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(kid).cloned()
    }

    /// Fetches the keys for ever.
    pub(crate) async fn watch(self, ipse: Channel) {
        let mut ipse = KeyServiceClient::new(ipse);
        loop {
            match self.fetch(&mut ipse).await {
                Ok(()) => sleep(FETCH_EVERY).await,
                Err(_) => sleep(RETRY_AFTER).await,
            }
        }
    }

    async fn fetch(&self, ipse: &mut KeyServiceClient<Channel>) -> Result<(), Status> {
        let keys = ipse.list_signing_keys(ListSigningKeysRequest {}).await?.into_inner().keys;
        let keys = keys.into_iter().filter_map(decoded).collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }
}

fn decoded(key: SigningKey) -> Option<(String, DecodingKey)> {
    let jwk = serde_json::from_str(&key.jwk).ok()?;
    Some((key.kid, DecodingKey::from_jwk(&jwk).ok()?))
}
