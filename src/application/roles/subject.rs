use crate::application::error::{Refusal, Result, Violations};
use crate::application::ports::Transaction;
use crate::domain::access::subject::Subject;
use crate::domain::account::user::User;
use crate::domain::id::{ServiceAccountId, UserId};

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

/// Refuses if there is nobody who is meant. The person, if it is one; a service cannot be erased until the transaction
/// ends.
pub(super) async fn find(tx: &dyn Transaction, subject: Subject) -> Result<Option<User>> {
    let (resource, found) = match subject {
        Subject::User(id) => ("User", tx.users().find_user(id).await?.map(Some)),
        Subject::Service(id) => ("ServiceAccount", tx.service_accounts().lock_service_account(id).await?.map(|_| None)),
    };
    found.ok_or_else(|| Refusal::NotFound { resource, name: subject.to_string() }.into())
}
