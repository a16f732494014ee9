//! The key set (RFC 7517, section 5).

use jsonwebtoken::jwk::JwkSet;
use serde_json::{Value, json};

use crate::domain::token::signing_key::{SigningKey, SigningKeyState};

/// Its media type (RFC 7517, section 8.5.2).
pub(super) const CONTENT_TYPE: &str = "application/jwk-set+json";

/// The public halves of the keys.
pub(super) fn from_keys(keys: &[(SigningKey, SigningKeyState)]) -> Value {
    json!(JwkSet { keys: keys.iter().filter_map(|(key, _)| serde_json::from_str(&key.public_jwk).ok()).collect() })
}
