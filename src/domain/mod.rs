//! What Ipse knows and decides: entities, value objects and pure decisions. No input or output, no clock, no
//! randomness: times and random bytes are handed in.

pub mod access;
pub mod access_change;
pub mod action_token;
pub mod api_key;
pub mod api_key_secret;
pub mod attributes;
pub mod audience;
pub mod audit;
pub mod audit_filter;
pub mod client;
pub mod email;
pub mod filter;
pub mod id;
pub mod interval;
pub mod key_ring;
pub mod mail;
pub mod name;
pub mod origin;
pub mod password;
mod password_blocklist;
pub mod permission;
pub mod profile;
pub mod refresh_token;
pub mod role;
pub mod secret;
pub mod service_account;
pub mod session;
pub mod signing_key;
pub mod subject;
pub mod text;
pub mod throttle;
pub mod user;
pub mod user_filter;
pub mod user_order;
pub mod user_record;
pub mod username;

/// A point in time in UTC, with microsecond precision, as both stores keep it.
pub type Timestamp = time::OffsetDateTime;
