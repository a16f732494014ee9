//! Whose access tokens are good now and what their bearers may do: from memory while the feed of changes is fresh, from
//! the database otherwise.

use std::sync::Arc;

use quick_cache::sync::Cache;

use super::feed::{AccessFeed, Standing};
use super::rights;
use crate::application::Ports;
use crate::application::caller::Caller;
use crate::application::error::{Refusal, Result};
use crate::application::ports::{Clock, Store, Verified};
use crate::domain::access::permission::{Permission, Rights};
use crate::domain::access::policy::Access;
use crate::domain::access::role::Role;
use crate::domain::access::subject::Subject;

/// Of how many subjects the rights are kept: some 10 MB at the most, if each has a handful of roles.
const SUBJECTS: usize = 16 * 1024;

/// What somebody may do.
#[derive(Debug)]
pub struct Held {
    /// The names of the roles, in order.
    pub role_names: Vec<String>,
    /// What the roles grant.
    pub rights: Rights,
    /// The version of all rights when this was asked for.
    version: Option<u64>,
}

/// Tells whose tokens are good and what they may do.
pub struct Authorizer {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    feed: Arc<AccessFeed>,
    held: Cache<Subject, Arc<Held>>,
}

impl Authorizer {
    /// Takes the ports it needs, and the feed that the store tells of its changes.
    #[must_use]
    pub fn new(ports: &Ports, feed: Arc<AccessFeed>) -> Self {
        Self { store: ports.store.clone(), clock: ports.clock.clone(), feed, held: Cache::new(SUBJECTS) }
    }

    /// Whether nothing has made a token void that was checked by itself before.
    pub(in crate::application) async fn is_good(&self, token: &Verified) -> Result<bool> {
        match self.feed.judge(&token.marks()) {
            Standing::Good => Ok(true),
            Standing::Void => Ok(false),
            Standing::Unknown => self.is_on_record(token).await,
        }
    }

    /// As `is_good`, by what the database tells. It also knows of sessions whose time is over, which matters to whoever
    /// stays longer than the token is valid.
    pub(in crate::application) async fn is_on_record(&self, token: &Verified) -> Result<bool> {
        rights::is_present(self.store.read().await?.as_mut(), token, self.clock.now()).await
    }

    /// What somebody may do now.
    pub(in crate::application) async fn held_by(&self, subject: Subject) -> Result<Arc<Held>> {
        let version = self.feed.rights_version();
        let kept = version.and_then(|_| self.held.get(&subject)).filter(|held| held.version == version);
        if let Some(held) = kept {
            return Ok(held);
        }
        let roles = self.store.read().await?.roles().roles_of(subject).await?;
        let role_names = roles.iter().map(|role| role.name.as_str().to_owned()).collect();
        let held = Arc::new(Held { role_names, rights: Role::rights(&roles), version });
        if version.is_some() {
            self.held.insert(subject, held.clone());
        }
        Ok(held)
    }

    /// Refuses who lacks a permission.
    pub(in crate::application) async fn require(&self, caller: &Caller, permission: &Permission) -> Result<()> {
        let in_scope = caller.scope.as_ref().is_none_or(|scope| scope.allow(permission));
        if in_scope && self.held_by(caller.subject()).await?.rights.allow(permission) {
            return Ok(());
        }
        Err(Refusal::PermissionMissing { permission: permission.to_string() }.into())
    }

    /// Refuses who would not be let in any more by what they were let in by, but for the times of the token.
    pub(in crate::application) async fn require_still(&self, (caller, access): (&Caller, &Access)) -> Result<()> {
        if !self.is_good(&caller.token).await? {
            return Err(Refusal::TokenInvalid.into());
        }
        match access {
            Access::Permission { permission, .. } => self.require(caller, permission).await,
            Access::Public | Access::Authenticated { .. } => Ok(()),
        }
    }
}
