//! Adapters: one for each port.

pub mod argon2;
pub mod hashing_lane;
mod phc;
pub mod system;
