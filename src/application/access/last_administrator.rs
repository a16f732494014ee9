//! Somebody must be able to put things right.

use crate::application::error::{Refusal, Result};
use crate::application::ports::Transaction;
use crate::domain::access::role;
use crate::domain::account::user::{User, UserState};

/// Refuses if this person is the last active administrator, and so must remain one. Services do not count: none of them
/// can sign in to put things right. Until the transaction ends, no other one can take an administrator away.
pub(in crate::application) async fn keep(tx: &dyn Transaction, user: &User) -> Result<()> {
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
