//! Entity tags (AIP-154): a change that is meant for an object as it was read.

use super::error::{Refusal, Result};
use crate::domain::text::{self, InvalidText};

/// The longest etag that is looked at, in bytes.
const MAX_BYTES: usize = 64;

/// Reads the etag of a command; an empty one stands for any.
pub(super) fn read(given: &str) -> std::result::Result<&str, InvalidText> {
    text::optional(given, MAX_BYTES)
}

/// Refuses if the object was changed since its etag was read.
pub(super) fn require(given: &str, current: &str) -> Result<()> {
    if given.is_empty() || given == current { Ok(()) } else { Err(Refusal::EtagMismatch.into()) }
}
