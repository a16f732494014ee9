//! What people and services may do, and what they may do to each other. Asked in the transaction that needs the answer, so that a
//! change of roles holds at once.

use crate::application::caller::Caller;
use crate::application::error::{Refusal, Result};
use crate::application::ports::{Transaction, Verified};
use crate::domain::Timestamp;
use crate::domain::access::permission::{Permission, Rights};
use crate::domain::access::policy::Access;
use crate::domain::access::role;
use crate::domain::access::role::Role;
use crate::domain::access::subject::{Principal, Subject};
use crate::domain::account::user::{User, UserState};

/// All that somebody may do.
pub(in crate::application) async fn of(tx: &mut dyn Transaction, subject: Subject) -> Result<Rights> {
    Ok(Role::rights(&tx.roles().roles_of(subject).await?))
}

/// Refuses who lacks a permission.
pub(in crate::application) async fn require(
    tx: &mut dyn Transaction,
    caller: &Caller,
    permission: &Permission,
) -> Result<()> {
    let in_scope = caller.scope.as_ref().is_none_or(|scope| scope.allow(permission));
    if in_scope && of(tx, caller.subject()).await?.allow(permission) {
        return Ok(());
    }
    Err(Refusal::PermissionMissing { permission: permission.to_string() }.into())
}

/// Whether the session or API key and the account of a token go on, and nobody has revoked the token.
pub(in crate::application) async fn is_present(
    tx: &mut dyn Transaction,
    token: &Verified,
    now: Timestamp,
) -> Result<bool> {
    let goes_on = match &token.claims.principal {
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
    Ok(goes_on && !tx.access_changes().is_void(&token.marks()).await?)
}

/// Refuses who would not be let in any more by what they were let in by, whether or not the access token's time is over:
/// streams last long.
pub(in crate::application) async fn require_admission(
    tx: &mut dyn Transaction,
    (caller, access): (&Caller, &Access),
    now: Timestamp,
) -> Result<()> {
    if !is_present(tx, &caller.token, now).await? {
        return Err(Refusal::TokenInvalid.into());
    }
    match access {
        Access::Permission { permission, .. } => require(tx, caller, permission).await,
        Access::Public | Access::Authenticated { .. } => Ok(()),
    }
}

/// Refuses who lacks any of `wanted`: nobody hands on, or takes away, what they lack.
pub(in crate::application) async fn require_all(
    tx: &mut dyn Transaction,
    caller: &Caller,
    wanted: &Rights,
) -> Result<()> {
    let beyond_scope = caller.scope.as_ref().and_then(|scope| scope.missing(wanted));
    let held = of(tx, caller.subject()).await?;
    match beyond_scope.or_else(|| held.missing(wanted)) {
        None => Ok(()),
        Some(pattern) => Err(Refusal::PermissionMissing { permission: pattern.as_str().to_owned() }.into()),
    }
}

/// Refuses who may do less than those they act on. Otherwise whoever may change an address could take over the account of
/// an administrator by a reset.
pub(in crate::application) async fn require_power_over(
    tx: &mut dyn Transaction,
    caller: &Caller,
    subject: Subject,
) -> Result<()> {
    let wanted = of(tx, subject).await?;
    require_all(tx, caller, &wanted).await
}

/// Refuses if this person is the last active administrator, and so must remain one. Services do not count: none of them
/// can sign in to put things right. Until the transaction ends, no other
/// one can take an administrator away.
pub(in crate::application) async fn keep_an_administrator(tx: &mut dyn Transaction, user: &User) -> Result<()> {
    if user.state != UserState::Active {
        return Ok(());
    }
    tx.roles().lock_role(role::ADMINISTRATOR).await?;
    let is_administrator = tx.roles().roles_of(user.id.into()).await?.iter().any(|role| role.id == role::ADMINISTRATOR);
    if is_administrator && !tx.roles().is_held_by_others(role::ADMINISTRATOR, user.id).await? {
        return Err(Refusal::LastAdministrator.into());
    }
    Ok(())
}
