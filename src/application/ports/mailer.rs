use async_trait::async_trait;

use super::Cause;
use crate::domain::mail::Mail;

/// Why a mail was not taken.
#[derive(Debug, thiserror::Error)]
pub enum MailRejected {
    /// Try again later: no connection, no TLS, a 4xx reply.
    #[error("the mail was not taken this time")]
    ForNow(#[source] Cause),
    /// Never: the server refused it for good, or it cannot be written.
    #[error("the mail was refused for good")]
    ForGood(#[source] Cause),
}

/// Writes a mail in words and hands it to a mail server.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Delivers one mail. The same mail may come again; `mail.id` tells receivers so.
    async fn deliver(&self, mail: &Mail) -> Result<(), MailRejected>;
}
