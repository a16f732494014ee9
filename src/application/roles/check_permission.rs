use std::sync::Arc;

use super::{NamedSubject, Roles};
use crate::application::access::Held;
use crate::application::access::caller::{Bearer, Caller};
use crate::application::access::source::Source;
use crate::application::call::Call;
use crate::application::error::{Error, Refusal, Result, Violations};
use crate::application::ports::MAX_TOKEN_BYTES;
use crate::domain::access::permission::{Permission, Rights};
use crate::domain::access::subject::Subject;
use crate::domain::secret::Secret;
use crate::domain::session::authentication::AssuranceLevel;
use crate::domain::text;

const MAX_PERMISSIONS: usize = 100;

/// Whom to ask about.
#[derive(Debug, Clone)]
pub enum CheckedSubject {
    /// The caller.
    Caller,
    /// Somebody by id.
    Subject(NamedSubject),
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
    pub async fn check_permission(&self, call: &Call, command: CheckPermission) -> Result<Vec<(Permission, bool)>> {
        let mut violations = Violations::default();
        let permissions = violations.take("permissions", parse(&command.permissions));
        let asked = match &command.subject {
            CheckedSubject::Caller => Some(Asked::Bearer(call.caller()?.clone())),
            CheckedSubject::Bearer(token) => violations
                .take("access_token", text::required(token.expose(), MAX_TOKEN_BYTES))
                .map(|_| Asked::Token(token.clone())),
            CheckedSubject::Subject(subject) => subject.parse(&mut violations).map(Asked::Subject),
        };
        let (permissions, asked) = violations.check(permissions.zip(asked))?;
        let rights = match asked {
            Asked::Subject(subject) => self.rights_of(subject).await?,
            Asked::Bearer(caller) => self.rights_within(&caller).await?,
            Asked::Token(token) => match self.bearer_of(call, token).await? {
                Some(bearer) => self.rights_within(&bearer).await?,
                None => Limited::default(),
            },
        };
        Ok(permissions
            .into_iter()
            .map(|permission| {
                let allowed = rights.allow(&permission);
                (permission, allowed)
            })
            .collect())
    }

    async fn rights_of(&self, subject: Subject) -> Result<Limited> {
        let tx = self.store.read().await?;
        let is_present = match subject {
            Subject::User(id) => tx.users().find_user(id).await?.is_some_and(|user| user.keeps_sessions()),
            Subject::Service(id) => {
                tx.service_accounts().find_service_account(id).await?.is_some_and(|account| !account.disabled)
            }
        };
        let source = Source::Transaction(tx.as_ref());
        let held = if is_present { source.held_by(subject).await? } else { Arc::default() };
        Ok(Limited { held, scope: None })
    }

    /// The rights of somebody whose token was checked just now.
    async fn rights_within(&self, bearer: &Caller) -> Result<Limited> {
        let held = self.authorizer.cached().held_by(bearer.subject()).await?;
        Ok(Limited { held, scope: bearer.scope().cloned() })
    }

    async fn bearer_of(&self, call: &Call, token: Secret) -> Result<Option<Caller>> {
        match self.authorizer.authenticate(&Bearer::Token(token), None, call.now).await {
            // Its bearer has to enrol a second factor first.
            Ok(caller) => Ok(Some(caller).filter(|caller| caller.level() != Some(AssuranceLevel::Enrolment))),
            Err(Error::Refused(Refusal::TokenExpired | Refusal::TokenInvalid)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// What somebody holds, and what their token limits it to.
#[derive(Default)]
struct Limited {
    held: Arc<Held>,
    scope: Option<Rights>,
}

impl Limited {
    fn allow(&self, permission: &Permission) -> bool {
        self.held.rights.allow(permission) && self.scope.as_ref().is_none_or(|scope| scope.allow(permission))
    }
}

enum Asked {
    Subject(Subject),
    Bearer(Caller),
    Token(Secret),
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
