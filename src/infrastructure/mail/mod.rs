//! Mail in words: written from templates, delivered by SMTP or into a folder.

pub mod link_base;
pub mod mail_files;
pub mod mail_writer;
pub mod settings;
