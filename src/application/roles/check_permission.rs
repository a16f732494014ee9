use super::subject::Named;
use super::{Roles, Subject};
use crate::application::auth::Bearer;
use crate::application::caller::Caller;
use crate::application::error::{Error, Refusal, Result, Violations};
use crate::application::rights;
use crate::domain::id::UserId;
use crate::domain::origin::Origin;
use crate::domain::permission::Permission;
use crate::domain::secret::Secret;
use crate::domain::text;

const MAX_PERMISSIONS: usize = 100;
const MAX_TOKEN_BYTES: usize = 8192;

/// Whom to ask about.
#[derive(Debug, Clone)]
pub enum CheckedSubject {
    /// The caller.
    Caller,
    /// Somebody by id.
    Subject(Subject),
    /// Whoever sent this access token to the caller.
    Bearer(Secret),
}

/// Which permissions to ask about, and whose.
#[derive(Debug, Clone)]
pub struct CheckPermission {
    /// Whose.
    pub subject: CheckedSubject,
    /// Which, each as `area.verb`.
    pub permissions: Vec<String>,
}

impl Roles {
    /// Tells for each permission whether the subject has it. Who does not exist, or cannot sign in, has none: the answer
    /// does not tell these apart from those without rights.
    pub async fn check_permission(&self, caller: &Caller, command: CheckPermission) -> Result<Vec<(Permission, bool)>> {
        let mut violations = Violations::default();
        let permissions = violations.take("permissions", parse(&command.permissions));
        let subject = match &command.subject {
            CheckedSubject::Caller => Some(Asked::User(caller.user_id)),
            CheckedSubject::Bearer(token) => {
                let form = text::required(token.expose(), MAX_TOKEN_BYTES);
                violations.take("access_token", form).map(|_| Asked::Bearer(token.clone()))
            }
            CheckedSubject::Subject(subject) => subject.parse(&mut violations).map(|named| match named {
                Named::User(id) => Asked::User(id),
                Named::ServiceAccount(_) => Asked::Nobody,
            }),
        };
        let (permissions, subject) = violations.check(permissions.zip(subject))?;
        let user_id = match subject {
            Asked::User(id) => id,
            Asked::Bearer(token) => self.bearer_of(token, &caller.origin).await?,
            Asked::Nobody => UserId::NOBODY,
        };
        let mut tx = self.store.read().await?;
        let user = tx.users().find_user(user_id).await?;
        let is_present = user.is_some_and(|user| user.keeps_sessions());
        let rights = rights::of(tx.as_mut(), user_id).await?;
        Ok(permissions
            .into_iter()
            .map(|permission| {
                let allowed = is_present && rights.allow(&permission);
                (permission, allowed)
            })
            .collect())
    }

    async fn bearer_of(&self, token: Secret, origin: &Origin) -> Result<UserId> {
        match self.auth.authenticate(&Bearer::Token(token), origin).await {
            Ok(caller) => Ok(caller.user_id),
            Err(Error::Refused(Refusal::TokenExpired | Refusal::TokenInvalid)) => Ok(UserId::NOBODY),
            Err(error) => Err(error),
        }
    }
}

enum Asked {
    User(UserId),
    Bearer(Secret),
    Nobody,
}

fn parse(texts: &[String]) -> std::result::Result<Vec<Permission>, String> {
    match texts.len() {
        0 => Err("is required".to_owned()),
        1..=MAX_PERMISSIONS => {
            texts.iter().map(|text| Permission::parse(text).map_err(|why| why.to_string())).collect()
        }
        _ => Err(format!("must be at most {MAX_PERMISSIONS}")),
    }
}
