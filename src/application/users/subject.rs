use std::fmt::Display;

use super::Users;
use crate::application::access::source::Source;
use crate::application::call::Call;
use crate::application::error::{Refusal, Result};
use crate::application::idempotency::{Exit, IdempotentCall, OpenCall};
use crate::application::ports::Transaction;
use crate::domain::account::user::User;
use crate::domain::id::UserId;

impl Users {
    /// Begins a change of somebody's account, unless the caller made the same call before. Nobody else changes the account
    /// until it ends.
    pub(super) async fn begin_on<'c, T>(
        &self,
        call: &Call,
        id: UserId,
        request: &'c IdempotentCall<T>,
    ) -> std::result::Result<(OpenCall<'c, T>, User), Exit> {
        let mut open = self.idempotency.open(call, request).await?;
        let user = open.tx.users().lock_user(id).await?.ok_or_else(|| not_found(id))?;
        Source::Transaction(open.tx.as_mut()).require_power_over(call.caller()?, id.into()).await?;
        Ok((open, user))
    }
}

/// The person with this id, or the refusal that says there is nobody.
pub(super) async fn find(tx: &mut dyn Transaction, id: UserId) -> Result<User> {
    Ok(tx.users().find_user(id).await?.ok_or_else(|| not_found(id))?)
}

/// Nobody has this id, or this name.
pub(super) fn not_found(name: impl Display) -> Refusal {
    Refusal::NotFound { resource: "User", name: name.to_string() }
}
