use time::Duration;

use super::{Auth, Bearer};
use crate::application::caller::Caller;
use crate::application::error::{Refusal, Result};
use crate::application::rights;
use crate::domain::access::Access;

impl Auth {
    /// Lets a call in or refuses it, by the access policy of its RPC. Public RPCs have no caller.
    pub async fn admit(&self, bearer: &Bearer, access: &Access) -> Result<Option<Caller>> {
        match access {
            Access::Public => Ok(None),
            Access::Authenticated { max_auth_age } => {
                let caller = self.authenticate(bearer).await?;
                self.check_age(&caller, *max_auth_age)?;
                Ok(Some(caller))
            }
            Access::Permission { permission, max_auth_age } => {
                let caller = self.authenticate(bearer).await?;
                let rights = rights::of(self.store.read().await?.as_mut(), caller.user_id).await?;
                if !rights.allow(permission) {
                    return Err(Refusal::PermissionMissing { permission: permission.to_string() }.into());
                }
                self.check_age(&caller, *max_auth_age)?;
                Ok(Some(caller))
            }
        }
    }

    fn check_age(&self, caller: &Caller, max_age: Option<Duration>) -> Result<()> {
        match max_age {
            Some(max_age) if self.clock.now() - caller.auth_time > max_age => {
                Err(Refusal::StepUpRequired { max_age }.into())
            }
            _ => Ok(()),
        }
    }
}
