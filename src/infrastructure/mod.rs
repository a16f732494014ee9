//! Adapters: one for each port.

pub mod argon2;
pub mod hashing_lane;
pub mod jwt;
mod phc;
pub mod system;
