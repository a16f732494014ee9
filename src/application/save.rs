use super::error::{Error, Result};
use super::ports::Transaction;
use crate::domain::user::User;

/// Stores a changed user, or fails as busy if somebody else changed the account meanwhile.
pub(super) async fn user(tx: &mut dyn Transaction, user: &User) -> Result<()> {
    if tx.users().update_user(user).await? {
        return Ok(());
    }
    Err(Error::Contention("the account was changed by another transaction".into()))
}
