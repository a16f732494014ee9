//! What an RPC asks of its caller.

use time::Duration;

use super::permission::Permission;
use crate::domain::session::authentication::AssuranceLevel;

/// The access policy of one RPC, as its contract declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Anybody may call.
    Public,
    /// Any signed-in person or service that meets the demands.
    Authenticated(Demands),
    /// A caller with a permission who meets the demands.
    Permission {
        /// Which one.
        permission: Permission,
        /// What else is asked.
        demands: Demands,
    },
}

/// What is asked of how the caller signed in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Demands {
    /// The greatest age of the sign-in.
    pub max_auth_age: Option<Duration>,
    /// The least assurance level.
    pub min_assurance: Option<MinAssurance>,
    /// Whether a caller will do who must have a second factor and has none yet.
    pub allow_enrolment: bool,
}

/// The least assurance level of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MinAssurance {
    /// This one.
    Level(AssuranceLevel),
    /// The highest that the caller's account has a factor for.
    HighestEnrolled,
}

impl Access {
    /// What is asked of how the caller signed in; nothing of whoever may be anybody.
    #[must_use]
    pub fn demands(&self) -> Demands {
        match self {
            Self::Public => Demands { allow_enrolment: true, ..Demands::default() },
            Self::Authenticated(demands) | Self::Permission { demands, .. } => *demands,
        }
    }
}
