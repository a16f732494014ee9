use time::Duration;

use super::{Auth, Bearer};
use crate::application::caller::Caller;
use crate::application::error::{Refusal, Result};
use crate::application::ports::Transaction;
use crate::application::rights;
use crate::domain::access::Access;
use crate::domain::origin::Origin;
use crate::domain::permission::Permission;

impl Auth {
    /// Lets a call in or refuses it, by the access policy of its RPC. Public RPCs have no caller.
    pub async fn admit(&self, bearer: &Bearer, access: &Access, origin: &Origin) -> Result<Option<Caller>> {
        match access {
            Access::Public => Ok(None),
            Access::Authenticated { max_auth_age } => {
                let caller = self.authenticate(bearer, origin).await?;
                self.check_age(&caller, *max_auth_age)?;
                Ok(Some(caller))
            }
            Access::Permission { permission, max_auth_age } => {
                let caller = self.authenticate(bearer, origin).await?;
                require(self.store.read().await?.as_mut(), &caller, permission).await?;
                self.check_age(&caller, *max_auth_age)?;
                Ok(Some(caller))
            }
        }
    }

    /// Checks that a caller who was let in may go on, as streams last long: the session goes on, and the right is still
    /// there. The time of the access token may be over.
    pub async fn readmit(&self, caller: &Caller, access: &Access) -> Result<()> {
        let now = self.clock.now();
        let mut tx = self.store.read().await?;
        let found = tx.sessions().find_session_with_user(caller.session_id).await?;
        if !found.is_some_and(|(session, user)| session.is_live(now) && user.keeps_sessions()) {
            return Err(Refusal::TokenInvalid.into());
        }
        match access {
            Access::Permission { permission, .. } => require(tx.as_mut(), caller, permission).await,
            Access::Public | Access::Authenticated { .. } => Ok(()),
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

async fn require(tx: &mut dyn Transaction, caller: &Caller, permission: &Permission) -> Result<()> {
    if rights::of(tx, caller.user_id).await?.allow(permission) {
        Ok(())
    } else {
        Err(Refusal::PermissionMissing { permission: permission.to_string() }.into())
    }
}
