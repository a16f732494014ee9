//! Tokens that are mailed, the keys that sign access tokens, and the root secrets of all other keys.

pub mod action_token;
pub mod key_ring;
pub mod root_secret;
pub mod signing_key;
