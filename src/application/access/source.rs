//! What people and services may do, and what they may do to each other: one set of decisions over two sources.

use std::sync::Arc;

use super::authorizer::Authorizer;
use super::caller::Caller;
use super::feed::Standing;
use crate::application::call::Call;
use crate::application::error::{Refusal, Result};
use crate::application::ports::{Transaction, Verified};
use crate::domain::Timestamp;
use crate::domain::access::permission::{Permission, Rights};
use crate::domain::access::policy::Access;
use crate::domain::access::role::Role;
use crate::domain::access::subject::{Principal, Subject};

/// What somebody may do.
#[derive(Debug, Default)]
pub struct Held {
    /// The names of the roles, in order.
    pub role_names: Vec<String>,
    /// What the roles grant.
    pub rights: Rights,
    /// The version of all rights when this was asked for.
    pub(super) version: Option<u64>,
}

impl Held {
    fn new(roles: &[Role], version: Option<u64>) -> Self {
        let role_names = roles.iter().map(|role| role.name.as_str().to_owned()).collect();
        Self { role_names, rights: Role::rights(roles), version }
    }
}

/// Where a decision takes what it depends on from.
pub(in crate::application) enum Source<'s> {
    /// Memory while the feed of changes is fresh, the database otherwise: for RPCs that change nothing, and for those
    /// that ask again in their transaction.
    Cached(&'s Authorizer),
    /// The transaction that depends on the decision, so that a change of roles holds at once.
    Transaction(&'s dyn Transaction),
}

impl Source<'_> {
    /// What somebody may do now.
    pub(in crate::application) async fn held_by(&self, subject: Subject) -> Result<Arc<Held>> {
        match self {
            Self::Transaction(tx) => Ok(Arc::new(Held::new(&tx.roles().roles_of(subject).await?, None))),
            Self::Cached(authorizer) => {
                let version = authorizer.feed.rights_version();
                let kept = version.and_then(|_| authorizer.held.get(&subject));
                if let Some(held) = kept.filter(|held| held.version == version) {
                    return Ok(held);
                }
                let roles = authorizer.store.read().await?.roles().roles_of(subject).await?;
                let held = Arc::new(Held::new(&roles, version));
                if version.is_some() {
                    authorizer.held.insert(subject, held.clone());
                }
                Ok(held)
            }
        }
    }

    /// Whether nothing has made a token void that was checked by itself before.
    pub(in crate::application) async fn is_good(&self, token: &Verified, now: Timestamp) -> Result<bool> {
        match self {
            Self::Transaction(tx) => is_on_record(*tx, token, now).await,
            Self::Cached(authorizer) => match authorizer.feed.judge(&token.marks()) {
                Standing::Good => Ok(true),
                Standing::Void => Ok(false),
                Standing::Unknown => is_on_record(authorizer.store.read().await?.as_ref(), token, now).await,
            },
        }
    }

    /// Refuses who lacks a permission.
    pub(in crate::application) async fn require(&self, caller: &Caller, permission: &Permission) -> Result<()> {
        let in_scope = caller.scope().is_none_or(|scope| scope.allow(permission));
        if in_scope && self.held_by(caller.subject()).await?.rights.allow(permission) {
            return Ok(());
        }
        Err(Refusal::PermissionMissing { permission: permission.to_string() }.into())
    }

    /// Refuses who lacks any of `wanted`: nobody hands on, or takes away, what they lack.
    pub(in crate::application) async fn require_all(&self, caller: &Caller, wanted: &Rights) -> Result<()> {
        let beyond_scope = caller.scope().and_then(|scope| scope.missing(wanted));
        let held = self.held_by(caller.subject()).await?;
        match beyond_scope.or_else(|| held.rights.missing(wanted)) {
            None => Ok(()),
            Some(pattern) => Err(Refusal::PermissionMissing { permission: pattern.as_str().to_owned() }.into()),
        }
    }

    /// Refuses who may do less than those they act on. Otherwise whoever may change an address could take over the account
    /// of an administrator by a reset.
    pub(in crate::application) async fn require_power_over(&self, caller: &Caller, subject: Subject) -> Result<()> {
        let wanted = self.held_by(subject).await?;
        self.require_all(caller, &wanted.rights).await
    }

    /// Refuses who would not be authorized any more by what they were authorized by, whether or not the access token's
    /// time is over: streams last long.
    pub(in crate::application) async fn require_still(&self, call: &Call, now: Timestamp) -> Result<()> {
        let caller = call.caller()?;
        if !self.is_good(&caller.token, now).await? {
            return Err(Refusal::TokenInvalid.into());
        }
        match &call.access {
            Access::Permission { permission, .. } => self.require(caller, permission).await,
            Access::Public | Access::Authenticated { .. } => Ok(()),
        }
    }
}

/// Whether the session or API key and the account of a token continue, and nobody has revoked the token. The database also
/// knows of sessions whose time is over, which matters to whoever stays longer than the token is valid.
pub(in crate::application) async fn is_on_record(
    tx: &dyn Transaction,
    token: &Verified,
    now: Timestamp,
) -> Result<bool> {
    let is_live = match &token.claims.principal {
        Principal::Person { user_id, session_id, .. } => {
            let found = tx.sessions().find_session_with_user(*session_id).await?;
            found.is_some_and(|(session, user)| {
                session.user_id == *user_id && session.is_live(now) && user.keeps_sessions()
            })
        }
        Principal::Service { account_id, key_id } => {
            let found = tx.api_keys().find_api_key_with_account(*key_id).await?;
            found.is_some_and(|(key, account)| account.id == *account_id && key.open(&account, now).is_ok())
        }
    };
    Ok(is_live && !tx.access_changes().is_void(&token.marks()).await?)
}
