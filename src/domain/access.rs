//! What an RPC asks of its caller.

use time::Duration;

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
        /// The permission, as `area.verb`.
        permission: String,
        /// The greatest age of the sign-in.
        max_auth_age: Option<Duration>,
    },
}
