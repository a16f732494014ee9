//! Adapters: one for each port.

pub mod link_base;
pub mod mail_files;
mod mail_templates;
pub mod mail_writer;
pub mod smtp;
pub mod smtp_url;
