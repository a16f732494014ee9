//! What an RPC asks of its caller.

use time::Duration;

use super::permission::Permission;

/// The access policy of one RPC, as its contract declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Anybody may call.
    Public,
    /// Any signed-in person, whose sign-in is at most this old.
    Authenticated {
        /// The greatest age of the sign-in.
        max_auth_age: Option<Duration>,
    },
    /// A caller with a permission, whose sign-in is at most this old.
    Permission {
        /// Which one.
        permission: Permission,
        /// The greatest age of the sign-in.
        max_auth_age: Option<Duration>,
    },
}
