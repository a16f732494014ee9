//! Who acts: a person or a service, and by which credential.

use std::fmt;

use uuid::Uuid;

use crate::domain::id::{ApiKeyId, ServiceAccountId, SessionId, UserId};
use crate::domain::session::authentication::AuthenticationContext;

/// Somebody who can hold roles and be the `sub` of an access token. Ids of people and of services never collide, as all
/// of them are UUIDs of version 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A person.
    User(UserId),
    /// A service account.
    Service(ServiceAccountId),
}

impl Subject {
    /// The underlying UUID, for stores and tokens.
    #[must_use]
    pub const fn as_uuid(&self) -> &Uuid {
        match self {
            Self::User(id) => id.as_uuid(),
            Self::Service(id) => id.as_uuid(),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_uuid().hyphenated().fmt(f)
    }
}

impl From<UserId> for Subject {
    fn from(id: UserId) -> Self {
        Self::User(id)
    }
}

impl From<ServiceAccountId> for Subject {
    fn from(id: ServiceAccountId) -> Self {
        Self::Service(id)
    }
}

/// Who was proven to be there, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// A person in a session.
    Person {
        /// The person.
        user_id: UserId,
        /// The session.
        session_id: SessionId,
        /// How the person signed in.
        authentication: AuthenticationContext,
    },
    /// A service with an API key.
    Service {
        /// The service account.
        account_id: ServiceAccountId,
        /// The key that the access token was exchanged for.
        key_id: ApiKeyId,
    },
}

impl Principal {
    /// Who it is.
    #[must_use]
    pub const fn subject(&self) -> Subject {
        match self {
            Self::Person { user_id, .. } => Subject::User(*user_id),
            Self::Service { account_id, .. } => Subject::Service(*account_id),
        }
    }

    /// What the access token depends on: the claim `sid`. The session of a service is its API key.
    #[must_use]
    pub const fn sid(&self) -> &Uuid {
        match self {
            Self::Person { session_id, .. } => session_id.as_uuid(),
            Self::Service { key_id, .. } => key_id.as_uuid(),
        }
    }
}
