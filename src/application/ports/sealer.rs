use crate::domain::mail::Mail;

/// The sealed bytes were changed, moved, or sealed under another master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sealed bytes cannot be opened with this master key")]
pub struct SealError;

/// Seals what the database must not be able to read, under the master key. `place` names table, row and column, so
/// that sealed bytes moved elsewhere do not open.
pub trait Sealer: Send + Sync {
    /// Seals bytes for a place.
    fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, SealError>;

    /// Opens bytes at their place.
    fn open(&self, place: &str, sealed: &[u8]) -> Result<zeroize::Zeroizing<Vec<u8>>, SealError>;

    /// Seals a mail for the outbox.
    fn seal_mail(&self, mail: &Mail) -> Result<Vec<u8>, SealError>;

    /// Opens a mail from the outbox.
    fn open_mail(&self, id: crate::domain::id::MailId, sealed: &[u8]) -> Result<Mail, SealError>;
}
