//! The slow hash of passwords, computed in a lane of its own.

mod argon2_hash;
pub mod argon2_hasher;
mod hashing_lane;

pub(in crate::infrastructure) use argon2_hash::{MAX_ITERATIONS, MAX_LANES, MAX_MEMORY_KIB};
