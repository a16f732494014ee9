//! Who calls.

use std::sync::Arc;

use super::ports::Verified;
use crate::domain::Timestamp;
use crate::domain::access::permission::Rights;
use crate::domain::access::subject::{Principal, Subject};
use crate::domain::id::{SessionId, UserId};
use crate::domain::session::origin::Origin;

/// Whoever sent an access token that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who it is, and by what.
    pub principal: Principal,
    /// What the token limits the caller to; nothing if it does not.
    pub scope: Option<Rights>,
    /// The token.
    pub token: Arc<Verified>,
    /// Where the call comes from.
    pub origin: Origin,
}

impl Caller {
    /// Whoever sent this token from there.
    #[must_use]
    pub fn new(token: Arc<Verified>, origin: &Origin) -> Self {
        let (principal, scope) = (token.claims.principal.clone(), token.scope().cloned());
        Self { principal, scope, token, origin: origin.clone() }
    }

    /// Who it is.
    #[must_use]
    pub const fn subject(&self) -> Subject {
        self.principal.subject()
    }

    /// When the caller proved who they are; a service never did so by hand.
    #[must_use]
    pub const fn auth_time(&self) -> Option<Timestamp> {
        match &self.principal {
            Principal::Person { authentication, .. } => Some(authentication.time),
            Principal::Service { .. } => None,
        }
    }

    /// The caller's session; nobody's for a service.
    #[must_use]
    pub const fn session_id(&self) -> SessionId {
        match &self.principal {
            Principal::Person { session_id, .. } => *session_id,
            Principal::Service { .. } => SessionId::NOBODY,
        }
    }

    /// The caller as a person with an account of their own; nothing for a service.
    #[must_use]
    pub fn person(&self) -> Option<Person> {
        match &self.principal {
            Principal::Person { user_id, session_id, .. } => {
                Some(Person { user_id: *user_id, session_id: *session_id, origin: self.origin.clone() })
            }
            Principal::Service { .. } => None,
        }
    }
}

/// A caller who is a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The person.
    pub user_id: UserId,
    /// The session of the access token.
    pub session_id: SessionId,
    /// Where the call comes from.
    pub origin: Origin,
}
