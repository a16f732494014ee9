//! What Ipse knows and decides: entities, value objects and pure decisions. No input or output, no clock, no
//! randomness: times and random bytes are handed in. At the root stands what all rooms share.

pub mod access;
pub mod account;
pub mod audit;
pub mod credential;
pub mod id;
pub mod interval;
pub mod listing;
pub mod mail;
pub mod name;
mod named_enum;
pub mod secret;
pub mod session;
pub mod text;
pub mod token;

/// A point in time in UTC, with microsecond precision, as both stores keep it.
pub type Timestamp = time::OffsetDateTime;
