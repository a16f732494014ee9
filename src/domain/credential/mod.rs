//! What proves who somebody is, and the limits on guessing it.

pub mod api_key;
pub mod api_key_secret;
pub mod factor;
pub mod factor_record;
pub mod passkey;
pub mod password;
mod password_blocklist;
pub mod recovery_code;
pub mod throttle;
