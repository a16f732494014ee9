use crate::domain::Timestamp;

/// The time. A use case reads it once, at its top.
pub trait Clock: Send + Sync {
    /// The present time in UTC, in whole microseconds.
    fn now(&self) -> Timestamp;
}
