use super::{NamedSubject, Roles};
use crate::application::access::rights;
use crate::application::auth::Bearer;
use crate::application::caller::Caller;
use crate::application::error::{Error, Refusal, Result, Violations};
use crate::domain::access::permission::{Permission, Rights};
use crate::domain::access::subject::Subject;
use crate::domain::secret::Secret;
use crate::domain::session::origin::Origin;
use crate::domain::text;

const MAX_PERMISSIONS: usize = 100;
const MAX_TOKEN_BYTES: usize = 8192;

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
    pub async fn check_permission(&self, caller: &Caller, command: CheckPermission) -> Result<Vec<(Permission, bool)>> {
        let mut violations = Violations::default();
        let permissions = violations.take("permissions", parse(&command.permissions));
        let asked = match &command.subject {
            CheckedSubject::Caller => Some(Asked::Bearer(Box::new(caller.clone()))),
            CheckedSubject::Bearer(token) => violations
                .take("access_token", text::required(token.expose(), MAX_TOKEN_BYTES))
                .map(|_| Asked::Token(token.clone())),
            CheckedSubject::Subject(subject) => subject.parse(&mut violations).map(Asked::Subject),
        };
        let (permissions, asked) = violations.check(permissions.zip(asked))?;
        let rights = match asked {
            Asked::Subject(subject) => self.rights_of(subject).await?,
            Asked::Bearer(caller) => self.rights_within(*caller).await?,
            Asked::Token(token) => match self.bearer_of(token, &caller.origin).await? {
                Some(bearer) => self.rights_within(bearer).await?,
                None => Held::default(),
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

    async fn rights_of(&self, subject: Subject) -> Result<Held> {
        let mut tx = self.store.read().await?;
        let is_present = match subject {
            Subject::User(id) => tx.users().find_user(id).await?.is_some_and(|user| user.keeps_sessions()),
            Subject::Service(id) => {
                tx.service_accounts().find_service_account(id).await?.is_some_and(|account| !account.disabled)
            }
        };
        let rights = if is_present { rights::of(tx.as_mut(), subject).await? } else { Rights::default() };
        Ok(Held { rights, scope: None })
    }

    /// The rights of somebody whose token was checked just now.
    async fn rights_within(&self, bearer: Caller) -> Result<Held> {
        let held = self.admission.held_by(bearer.subject()).await?;
        Ok(Held { rights: held.rights.clone(), scope: bearer.scope })
    }

    async fn bearer_of(&self, token: Secret, origin: &Origin) -> Result<Option<Caller>> {
        match self.auth.authenticate(&Bearer::Token(token), origin).await {
            Ok(caller) => Ok(Some(caller)),
            Err(Error::Refused(Refusal::TokenExpired | Refusal::TokenInvalid)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// What somebody holds, and what their token limits it to.
#[derive(Default)]
struct Held {
    rights: Rights,
    scope: Option<Rights>,
}

impl Held {
    fn allow(&self, permission: &Permission) -> bool {
        self.rights.allow(permission) && self.scope.as_ref().is_none_or(|scope| scope.allow(permission))
    }
}

enum Asked {
    Subject(Subject),
    Bearer(Box<Caller>),
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
