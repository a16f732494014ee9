//! The public documents, most of them as they are while the keys are these.

use axum::extract::State;
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::answer::{self, Answer};
use super::{SidePort, discovery, key_set};
use crate::application::causes::Causes;
use crate::application::keys::ListedKey;

/// The key set.
pub(super) async fn key_set(State(side): State<SidePort>, request: HeaderMap) -> Answer {
    match read_keys(&side).await {
        Ok(keys) => answer::document(key_set::CONTENT_TYPE, &key_set::from_keys(&keys), &request),
        Err(unreadable) => unreadable,
    }
}

/// The metadata of the issuer.
pub(super) async fn metadata(State(side): State<SidePort>, request: HeaderMap) -> Answer {
    match read_keys(&side).await {
        Ok(keys) => answer::document("application/json", &discovery::metadata(&side.issuer, &keys), &request),
        Err(unreadable) => unreadable,
    }
}

/// The web pages where passkeys of the domain may be used. Apps find theirs elsewhere.
pub(super) async fn passkey_origins(State(side): State<SidePort>, request: HeaderMap) -> Answer {
    let pages: Vec<&String> = side.passkey_origins.iter().filter(|origin| origin.starts_with("https://")).collect();
    answer::document("application/json", &json!({"origins": pages}), &request)
}

/// The keys, or what is answered without them.
async fn read_keys(side: &SidePort) -> Result<Vec<ListedKey>, Answer> {
    side.keys.list_signing_keys().await.map_err(|error| {
        tracing::warn!(error = %Causes(&error), "the key set cannot be read");
        answer::text(StatusCode::SERVICE_UNAVAILABLE, "the key set cannot be read\n")
    })
}
