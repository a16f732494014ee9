use std::fmt::Display;

use super::Users;
use crate::application::access::rights;
use crate::application::caller::Caller;
use crate::application::error::{Refusal, Result};
use crate::application::idempotency::{IdempotentCall, OpenCall, Started};
use crate::application::ports::Transaction;
use crate::domain::account::user::User;
use crate::domain::id::UserId;

impl Users {
    /// Begins a change of somebody's account, unless the caller made the same call before. Nobody else changes the account
    /// until it ends.
    pub(super) async fn begin_on<T>(
        &self,
        caller: &Caller,
        id: UserId,
        call: &IdempotentCall<T>,
    ) -> Result<Started<(OpenCall, User)>> {
        let mut work = match self.repeats.begin(caller.subject(), call).await? {
            Started::New(work) => work,
            Started::Repeated(answer) => return Ok(Started::Repeated(answer)),
        };
        let user = work.tx.users().lock_user(id).await?.ok_or_else(|| not_found(id))?;
        rights::require_power_over(work.tx.as_mut(), caller, id.into()).await?;
        Ok(Started::New((work, user)))
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
