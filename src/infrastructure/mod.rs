//! Adapters: one for each port.

pub mod argon2;
mod hashing_lane;
pub mod jwt;
mod phc;
mod sealed_mail;
pub mod secret_box;
pub mod system;
