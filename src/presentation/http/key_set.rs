//! The key set (RFC 7517, section 5).

use serde_json::{Value, json};

use crate::domain::token::signing_key::{SigningKey, SigningKeyState};

/// Its media type (RFC 7517, section 8.5.2).
pub(super) const CONTENT_TYPE: &str = "application/jwk-set+json";

/// The public halves of the keys.
pub(super) fn of(keys: &[(SigningKey, SigningKeyState)]) -> Value {
    let keys: Vec<Value> = keys.iter().filter_map(|(key, _)| serde_json::from_str(&key.public_jwk).ok()).collect();
    json!({ "keys": keys })
}
