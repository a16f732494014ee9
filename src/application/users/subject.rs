use std::fmt::Display;

use super::Users;
use crate::application::access::source::Source;
use crate::application::call::Call;
use crate::application::error::{Refusal, Result, Violations};
use crate::application::etag;
use crate::application::idempotency::{Exit, IdempotentCall, OpenCall};
use crate::application::ports::Transaction;
use crate::domain::account::user::{StateReason, User};
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
        let open = self.idempotency.open(call, request).await?;
        let user = open.tx.users().lock_user(id).await?.ok_or_else(|| not_found(id))?;
        Source::Transaction(open.tx.as_ref()).require_power_over(call.caller()?, id.into()).await?;
        Ok((open, user))
    }
}

/// Whose state to change, and why.
#[derive(Debug, Clone, Default)]
pub struct StateChange {
    /// The person.
    pub id: String,
    /// The reason, or empty.
    pub reason: String,
}

impl StateChange {
    pub(super) fn parse(&self) -> Result<(UserId, StateReason)> {
        let mut violations = Violations::default();
        let id = violations.take("id", UserId::parse(&self.id));
        let reason = violations.take("reason", StateReason::parse(&self.reason));
        violations.check(id.zip(reason))
    }
}

/// Whose account to delete or to restore, as it was read.
#[derive(Debug, Clone, Default)]
pub struct UserVersion {
    /// The person.
    pub id: String,
    /// The etag that was read, or empty for any.
    pub etag: String,
}

impl UserVersion {
    pub(super) fn parse(&self) -> Result<(UserId, &str)> {
        let mut violations = Violations::default();
        let id = violations.take("id", UserId::parse(&self.id));
        let etag = violations.take("etag", etag::read(&self.etag));
        violations.check(id.zip(etag))
    }
}

/// The person with this id, or the refusal that says there is nobody.
pub(super) async fn find(tx: &dyn Transaction, id: UserId) -> Result<User> {
    Ok(tx.users().find_user(id).await?.ok_or_else(|| not_found(id))?)
}

/// Nobody has this id, or this name.
pub(super) fn not_found(name: impl Display) -> Refusal {
    Refusal::NotFound { resource: "User", name: name.to_string() }
}
