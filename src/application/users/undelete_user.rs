use super::Users;
use crate::application::audit_trail::Event;
use crate::application::caller::Caller;
use crate::application::error::{Result, Violations};
use crate::application::idempotency::{Answer, IdempotentCall, Started};
use crate::application::{etag, user_changes};
use crate::domain::account::user::User;
use crate::domain::audit::AuditType;
use crate::domain::id::UserId;

/// Whose deletion to take back.
#[derive(Debug, Clone, Default)]
pub struct UndeleteUser {
    /// The person.
    pub id: String,
    /// The etag that was read, or empty for any.
    pub etag: String,
}

impl Users {
    /// Takes a deletion back. A suspension holds on, and ended sessions stay ended.
    pub async fn undelete_user(
        &self,
        caller: &Caller,
        command: UndeleteUser,
        call: &IdempotentCall<User>,
    ) -> Result<Answer<User>> {
        let now = self.clock.now();
        let mut violations = Violations::default();
        let id = violations.take("id", UserId::parse(&command.id));
        let etag = violations.take("etag", etag::read(&command.etag));
        let (id, etag) = violations.check(id.zip(etag))?;

        let (mut work, mut user) = match self.begin_on(caller, id, call).await? {
            Started::New(begun) => begun,
            Started::Repeated(answer) => return Ok(Answer::Repeated(answer)),
        };
        etag::require(etag, &user.etag())?;
        user.undelete(now)?;
        user_changes::user(work.tx.as_mut(), &user).await?;
        self.trail.record(work.tx.as_mut(), Event::by(caller, AuditType::UserUndeleted).on(id), now).await?;
        work.finish(call, user).await
    }
}
