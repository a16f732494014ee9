//! The caller of an RPC.

use std::sync::Arc;

use crate::application::ports::Verified;
use crate::domain::Timestamp;
use crate::domain::access::permission::Rights;
use crate::domain::access::subject::{Principal, Subject};
use crate::domain::id::{SessionId, UserId};
use crate::domain::secret::Secret;

/// What came in the metadata `authorization`.
#[derive(Debug, Clone)]
pub enum Bearer {
    /// Not exactly one value of the scheme `Bearer` (RFC 6750).
    Missing,
    /// One access token.
    Token(Secret),
}

/// Whoever sent an access token that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The token: who it is, by what, and what it limits the caller to.
    pub token: Arc<Verified>,
}

impl Caller {
    /// Who it is, and by what.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.token.claims.principal
    }

    /// Who it is.
    #[must_use]
    pub fn subject(&self) -> Subject {
        self.principal().subject()
    }

    /// What the token limits the caller to; nothing if it does not.
    #[must_use]
    pub fn scope(&self) -> Option<&Rights> {
        self.token.scope()
    }

    /// When the caller proved who they are; a service never did so by hand.
    #[must_use]
    pub fn auth_time(&self) -> Option<Timestamp> {
        match self.principal() {
            Principal::Person { authentication, .. } => Some(authentication.time),
            Principal::Service { .. } => None,
        }
    }

    /// The caller's session; nobody's for a service.
    #[must_use]
    pub fn session_id(&self) -> SessionId {
        self.person().map_or(SessionId::NOBODY, |person| person.session_id)
    }

    /// The caller as a person with an account of their own; nothing for a service.
    #[must_use]
    pub fn person(&self) -> Option<Person> {
        match self.principal() {
            Principal::Person { user_id, session_id, .. } => {
                Some(Person { user_id: *user_id, session_id: *session_id })
            }
            Principal::Service { .. } => None,
        }
    }
}

/// A caller who is a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    /// The person.
    pub user_id: UserId,
    /// The session of the access token.
    pub session_id: SessionId,
}
