use super::Users;
use crate::application::access::rights;
use crate::application::audit_trail::Event;
use crate::application::caller::Caller;
use crate::application::error::{Result, Violations};
use crate::application::idempotency::{Answer, IdempotentCall, Started};
use crate::application::{etag, user_changes};
use crate::domain::account::user::User;
use crate::domain::audit::AuditType;
use crate::domain::id::UserId;

/// Whom to delete.
#[derive(Debug, Clone, Default)]
pub struct DeleteUser {
    /// The person.
    pub id: String,
    /// The etag that was read, or empty for any.
    pub etag: String,
}

impl Users {
    /// Deletes an account. Every session ends at once, mailed tokens are void, and the data is erased after the retention
    /// time.
    pub async fn delete_user(
        &self,
        caller: &Caller,
        command: DeleteUser,
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
        rights::keep_an_administrator(work.tx.as_mut(), &user).await?;
        user.delete(self.policy.deleted_retention, now)?;
        user_changes::closed(work.tx.as_mut(), &user, now).await?;
        self.trail.record(work.tx.as_mut(), Event::by(caller, AuditType::UserDeleted).on(id), now).await?;
        work.finish(call, user).await
    }
}
