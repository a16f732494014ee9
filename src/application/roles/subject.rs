use crate::application::error::{Refusal, Result, Violations};
use crate::application::ports::Transaction;
use crate::domain::id::{ServiceAccountId, UserId};
use crate::domain::subject::Subject;
use crate::domain::user::User;

/// Who is meant, as a request says it.
#[derive(Debug, Clone)]
pub enum NamedSubject {
    /// Nobody was named.
    Missing,
    /// A person, by id.
    User(String),
    /// A service account, by id.
    ServiceAccount(String),
}

impl NamedSubject {
    /// Who is meant.
    pub(super) fn parse(&self, violations: &mut Violations) -> Option<Subject> {
        match self {
            Self::Missing => violations.take("subject", Err("is required")),
            Self::User(id) => violations.take("user_id", UserId::parse(id)).map(Subject::User),
            Self::ServiceAccount(id) => {
                violations.take("service_account_id", ServiceAccountId::parse(id)).map(Subject::Service)
            }
        }
    }
}

/// The person that is meant, if there is such a person.
pub(super) async fn find(tx: &mut dyn Transaction, subject: Subject) -> Result<User> {
    let (resource, name) = match subject {
        Subject::User(id) => match tx.users().find_user(id).await? {
            Some(user) => return Ok(user),
            None => ("User", id.to_string()),
        },
        Subject::Service(id) => ("ServiceAccount", id.to_string()),
    };
    Err(Refusal::NotFound { resource, name }.into())
}
