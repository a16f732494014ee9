use crate::application::error::{Refusal, Result, Violations};
use crate::application::ports::Transaction;
use crate::domain::id::{ServiceAccountId, UserId};
use crate::domain::user::User;

/// Who is meant, as a request says it.
#[derive(Debug, Clone)]
pub enum Subject {
    /// Nobody was named.
    Missing,
    /// A person, by id.
    User(String),
    /// A service account, by id.
    ServiceAccount(String),
}

impl Subject {
    /// The person that is meant.
    pub(super) fn parse(&self, violations: &mut Violations) -> Option<Named> {
        match self {
            Self::Missing => violations.take("subject", Err("is required")),
            Self::User(id) => violations.take("user_id", UserId::parse(id)).map(Named::User),
            Self::ServiceAccount(id) => {
                violations.take("service_account_id", ServiceAccountId::parse(id)).map(Named::ServiceAccount)
            }
        }
    }
}

/// Who is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    User(UserId),
    ServiceAccount(ServiceAccountId),
}

impl Named {
    /// The person, if there is such a person.
    pub(super) async fn find(self, tx: &mut dyn Transaction) -> Result<User> {
        let (resource, name) = match self {
            Self::User(id) => match tx.users().find_user(id).await? {
                Some(user) => return Ok(user),
                None => ("User", id.to_string()),
            },
            Self::ServiceAccount(id) => ("ServiceAccount", id.to_string()),
        };
        Err(Refusal::NotFound { resource, name }.into())
    }
}
