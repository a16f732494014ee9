use std::collections::HashMap;
use std::sync::Arc;

use time::Duration;

use super::authorizer::Authorizer;
use super::caller::{Bearer, Caller};
use super::source::Held;
use crate::application::call::Call;
use crate::application::error::{Error, Refusal, Result, Violations};
use crate::domain::Timestamp;
use crate::domain::access::permission::Permission;
use crate::domain::session::authentication::AssuranceLevel;

/// A request to somebody else's service, as a gateway in front of it sees it.
#[derive(Debug, Clone)]
pub struct AuthorizeRequest {
    /// What the request brings.
    pub bearer: Bearer,
    /// What its route demands: `permission`, which the bearer must hold; `audience`, which the access token must be for;
    /// `acr`, the least assurance level of the sign-in; `max_age`, its greatest age in seconds. Without a permission any good
    /// token will do; without an audience one for any service of this server.
    pub demands: HashMap<String, String>,
}

/// Whose request it is.
#[derive(Debug, Clone)]
pub struct Authorized {
    /// Who sent it.
    pub caller: Caller,
    /// What the sender may do now; nothing for a token that is limited to a scope.
    pub held: Option<Arc<Held>>,
}

/// What a slip of the pen in a demand's name is told.
const UNKNOWN_DEMAND: &str = "must be permission, audience, acr and max_age alone";

struct Demands {
    permission: Option<Permission>,
    /// Whom the token must be for, unless it may be for anybody.
    audience: Option<String>,
    level: Option<AssuranceLevel>,
    max_age: Option<Duration>,
}

impl Authorizer {
    /// Lets a request to another service pass or refuses it, by the demands of its route. Demands that nobody could
    /// meet, and unrecognized ones, are invalid: a slip of the pen must not open what was meant to be guarded.
    /// `rpc` is what the audit trail names.
    pub async fn authorize_request(&self, call: &Call, rpc: &str, command: AuthorizeRequest) -> Result<Authorized> {
        let demands = self.read_demands(&command.demands)?;
        let caller = match self.authenticate(&command.bearer, demands.audience.as_deref(), call.now).await {
            Err(Error::Refused(Refusal::TokenInvalid)) => {
                self.record_bad_token(call, rpc);
                return Err(Refusal::TokenInvalid.into());
            }
            authenticated => authenticated?,
        };
        match self.meet(&caller, &demands, call.now).await {
            Err(Error::Refused(refusal)) => {
                self.record_denial(&call.clone().by(caller), rpc, &refusal).await?;
                Err(refusal.into())
            }
            held => held.map(|held| Authorized { caller, held }),
        }
    }

    fn read_demands(&self, demands: &HashMap<String, String>) -> Result<Demands> {
        let mut violations = Violations::default();
        let (mut permission, mut audience, mut level, mut max_age) = (None, None, None, None);
        for (name, text) in demands {
            match name.as_str() {
                "permission" => permission = violations.take("permission", Permission::parse(text)),
                "audience" => {
                    let chosen = violations.take("audience", self.audiences.choose(text));
                    audience = chosen.map(|chosen| chosen.unwrap_or_else(|| self.audiences.own().to_owned()));
                }
                "acr" => level = violations.take("acr", read_level(text)),
                "max_age" => max_age = violations.take("max_age", read_age(text)),
                _ => drop(violations.take::<(), _>("context_extensions", Err(UNKNOWN_DEMAND))),
            }
        }
        violations.check(Some(Demands { permission, audience, level, max_age }))
    }

    async fn meet(&self, caller: &Caller, demands: &Demands, now: Timestamp) -> Result<Option<Arc<Held>>> {
        if caller.level() == Some(AssuranceLevel::Enrolment) {
            return Err(Refusal::MfaRequired.into());
        }
        caller.require_sign_in(demands.level, demands.max_age, now)?;
        if let Some(permission) = &demands.permission {
            self.cached().require(caller, permission).await?;
        }
        match caller.scope() {
            Some(_) => Ok(None),
            None => self.cached().held_by(caller.subject()).await.map(Some),
        }
    }
}

fn read_level(text: &str) -> std::result::Result<AssuranceLevel, &'static str> {
    let level = AssuranceLevel::parse(text).filter(|&level| level > AssuranceLevel::Enrolment);
    level.ok_or("must be urn:ipse:aal:1 or urn:ipse:aal:2")
}

fn read_age(text: &str) -> std::result::Result<Duration, &'static str> {
    text.parse().map(|seconds: u32| Duration::seconds(seconds.into())).map_err(|_| "must be a number of seconds")
}
