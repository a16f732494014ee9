use super::SealedPlace;

/// Why sealed bytes do not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// They were sealed under a master key that is not given.
    #[error("the bytes were sealed under a master key that is not given")]
    UnknownKey,
    /// They were changed or moved, or nothing could be sealed.
    #[error("the sealed bytes are damaged or not at their place")]
    Damaged,
}

/// Seals what the database must not be able to read, under the master key. Sealed bytes that are moved to another place
/// do not open.
pub trait Sealer: Send + Sync {
    /// Seals bytes for a place, under the current master key.
    fn seal(&self, place: &SealedPlace, plain: &[u8]) -> Result<Vec<u8>, SealError>;

    /// Opens bytes at their place, under whichever master key they were sealed.
    fn open(&self, place: &SealedPlace, sealed: &[u8]) -> Result<zeroize::Zeroizing<Vec<u8>>, SealError>;

    /// Whether the bytes say that they were sealed under the current master key.
    fn is_current(&self, sealed: &[u8]) -> bool;
}
