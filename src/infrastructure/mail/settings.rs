//! What an operator decides about mail.

use std::path::PathBuf;

use super::mail_writer::MessageSettings;
use crate::infrastructure::smtp::SmtpSettings;

/// Mail: what is in it and how it leaves.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// What all messages have in common.
    pub message: MessageSettings,
    /// How they leave.
    pub route: MailRoute,
}

/// How mail leaves.
#[derive(Debug, Clone)]
pub enum MailRoute {
    /// To a mail server.
    Smtp(SmtpSettings),
    /// To files in a folder and to the log, with `--dev`.
    Folder(PathBuf),
}
