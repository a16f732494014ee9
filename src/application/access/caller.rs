//! The caller of an RPC.

use std::sync::Arc;

use time::Duration;

use crate::application::error::{Refusal, Result};
use crate::application::ports::Verified;
use crate::domain::Timestamp;
use crate::domain::access::permission::Rights;
use crate::domain::access::subject::{Principal, Subject};
use crate::domain::id::{SessionId, UserId};
use crate::domain::secret::Secret;
use crate::domain::session::authentication::AssuranceLevel;
use crate::domain::token::signing_key::MAX_SKEW;

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

    /// The assurance level of the caller's sign-in; a service has none.
    #[must_use]
    pub fn level(&self) -> Option<AssuranceLevel> {
        match self.principal() {
            Principal::Person { authentication, .. } => Some(authentication.level),
            Principal::Service { .. } => None,
        }
    }

    /// Refuses a caller whose sign-in is of a lower level than is asked, or older. A service has no level, and proves who it
    /// is with its key whenever it gets a token.
    pub(in crate::application) fn require_sign_in(
        &self,
        level: Option<AssuranceLevel>,
        max_age: Option<Duration>,
        now: Timestamp,
    ) -> Result<()> {
        let proven = self.auth_time().unwrap_or(self.token.claims.issue_time);
        let is_high = level.is_none_or(|level| self.level().is_some_and(|own| own >= level));
        // A proof of the future was given by a clock that was ahead: nobody knows how old it is.
        let age = (proven <= now + MAX_SKEW).then(|| now - proven);
        let is_fresh = max_age.is_none_or(|max_age| age.is_some_and(|age| age <= max_age));
        if is_high && is_fresh {
            return Ok(());
        }
        let level = level.unwrap_or(AssuranceLevel::Aal1).max(AssuranceLevel::Aal1);
        Err(Refusal::StepUpRequired { max_age, level }.into())
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
