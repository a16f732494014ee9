use super::error::{Error, Result};
use super::ports::{StoreError, Transaction};
use crate::domain::Timestamp;
use crate::domain::account::user::User;
use crate::domain::session::EndReason;

/// Stores a changed user, or fails as busy if somebody else changed the account, or took its new name, meanwhile.
pub(super) async fn user(tx: &mut dyn Transaction, user: &User) -> Result<()> {
    match tx.users().update_user(user).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::Contention("the account was changed by another transaction".into())),
        Err(StoreError::Conflict(cause)) => Err(Error::Contention(cause)),
        Err(error) => Err(error.into()),
    }
}

/// Stores an account that was just closed: every session ends at once, and mailed tokens are void.
pub(super) async fn closed(tx: &mut dyn Transaction, user: &User, now: Timestamp) -> Result<()> {
    self::user(tx, user).await?;
    tx.sessions().end_sessions(user.id, None, (now, EndReason::AccountClosed)).await?;
    tx.action_tokens().drop_action_tokens(user.id).await?;
    Ok(())
}
