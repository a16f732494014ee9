//! Tokens that are mailed, and the keys that sign access tokens.

pub mod action_token;
pub mod key_ring;
pub mod signing_key;
