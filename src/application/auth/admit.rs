use std::sync::Arc;

use time::Duration;

use super::{Auth, Bearer};
use crate::application::access::authorizer::Authorizer;
use crate::application::audit_trail::Event;
use crate::application::caller::Caller;
use crate::application::error::{Error, Refusal, Result};
use crate::domain::access::policy::Access;
use crate::domain::audit::AuditType;
use crate::domain::session::origin::Origin;

impl Auth {
    /// What tells whose tokens are good and what they may do.
    pub(in crate::application) fn admission(&self) -> Arc<Authorizer> {
        self.admission.clone()
    }

    /// Lets a call of an RPC in or refuses it, by the RPC's access policy. Public RPCs have no caller.
    pub async fn admit(
        &self,
        bearer: &Bearer,
        (rpc, access): (&str, &Access),
        origin: &Origin,
    ) -> Result<Option<Caller>> {
        if *access == Access::Public {
            return Ok(None);
        }
        let caller = self.authenticate(bearer, origin).await?;
        match self.judge(&caller, access).await {
            Err(Error::Refused(refusal)) => {
                self.record_denial(&caller, rpc, &refusal).await?;
                Err(refusal.into())
            }
            judged => judged.map(|()| Some(caller)),
        }
    }

    /// Remembers that somebody was denied what takes a permission or a fresh sign-in. Other refusals are no denials.
    pub async fn record_denial(&self, caller: &Caller, rpc: &str, refusal: &Refusal) -> Result<()> {
        let event = Event::by(caller, AuditType::AccessDenied).with("rpc", rpc);
        let event = match refusal {
            Refusal::PermissionMissing { permission } => {
                event.denied("PERMISSION_MISSING").with("permission", permission)
            }
            Refusal::StepUpRequired { .. } => event.denied("STEP_UP_REQUIRED"),
            _ => return Ok(()),
        };
        let cause = [caller.subject().as_uuid().as_bytes(), rpc.as_bytes()].concat();
        self.trail.record_sparingly(self.store.as_ref(), (event, &cause), self.clock.now()).await
    }

    async fn judge(&self, caller: &Caller, access: &Access) -> Result<()> {
        match access {
            Access::Public => Ok(()),
            Access::Authenticated { max_auth_age } => self.check_age(caller, *max_auth_age),
            Access::Permission { permission, max_auth_age } => {
                self.admission.require(caller, permission).await?;
                self.check_age(caller, *max_auth_age)
            }
        }
    }

    fn check_age(&self, caller: &Caller, max_age: Option<Duration>) -> Result<()> {
        let Some(max_age) = max_age else { return Ok(()) };
        match caller.auth_time() {
            Some(time) if self.clock.now() - time <= max_age => Ok(()),
            _ => Err(Refusal::StepUpRequired { max_age }.into()),
        }
    }
}
