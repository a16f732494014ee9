use super::error::{Error, Result};
use super::ports::{StoreError, Transaction};
use crate::domain::user::User;

/// Stores a changed user, or fails as busy if somebody else changed the account, or took its new name, meanwhile.
pub(super) async fn user(tx: &mut dyn Transaction, user: &User) -> Result<()> {
    match tx.users().update_user(user).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::Contention("the account was changed by another transaction".into())),
        Err(StoreError::Conflict(cause)) => Err(Error::Contention(cause)),
        Err(error) => Err(error.into()),
    }
}
