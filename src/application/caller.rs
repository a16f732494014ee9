//! Who calls.

use crate::domain::Timestamp;
use crate::domain::id::{SessionId, UserId};
use crate::domain::origin::Origin;

/// A person whose access token was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The person.
    pub user_id: UserId,
    /// The session of the access token.
    pub session_id: SessionId,
    /// When the person signed in.
    pub auth_time: Timestamp,
    /// Where the call comes from.
    pub origin: Origin,
}
