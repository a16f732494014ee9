//! Adapters: one for each port.

pub mod argon2;
pub mod breached_passwords;
pub mod data_folder;
mod foreign_hash;
pub mod jwt;
pub mod mail;
pub mod mail_templates;
pub mod master_key;
pub mod secret_box;
pub mod smtp;
pub mod store;
pub mod system;
mod tls_fault;
pub mod totp;
pub mod webauthn;
