//! Adapters: one for each port.

mod argon2_hash;
mod foreign_hash;
mod hashing_lane;
pub mod jwt;
pub mod lane_hasher;
pub mod data_folder;
pub mod link_base;
pub mod mail_files;
pub mod mail_settings;
pub mod mail_templates;
pub mod mail_writer;
pub mod master_key;
mod sealed_mail;
pub mod secret_box;
pub mod smtp;
pub mod smtp_url;
pub mod store;
pub mod system;
