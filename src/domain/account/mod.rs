//! Accounts: people, what they say about themselves, and service accounts.

pub mod attributes;
pub mod email;
pub mod email_domain;
pub mod profile;
pub mod service_account;
pub mod user;
pub mod user_record;
pub mod username;
