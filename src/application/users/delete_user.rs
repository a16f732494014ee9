use super::{UserVersion, Users};
use crate::application::access::last_administrator;
use crate::application::call::Call;
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::{etag, user_changes};
use crate::domain::account::user::User;
use crate::domain::audit::AuditType;

impl Users {
    /// Deletes an account. Every session ends at once, mailed tokens are void, and the data is erased after the retention
    /// time.
    pub async fn delete_user(
        &self,
        call: &Call,
        command: UserVersion,
        request: &IdempotentCall<User>,
    ) -> Idempotent<User> {
        let (id, etag) = command.parse()?;

        let (open, mut user) = self.begin_on(call, id, request).await?;
        etag::require(etag, &user.etag())?;
        last_administrator::keep(open.tx.as_ref(), &user).await?;
        user.delete(self.policy.deleted_retention, call.now)?;
        user_changes::closed(open.tx.as_ref(), &user, call.now).await?;
        user_changes::tell_of_deletion(open.tx.as_ref(), &self.post, &user, call.now).await?;
        self.trail.record(open.tx.as_ref(), call.event(AuditType::UserDeleted).on(id), call.now).await?;
        open.finish(user).await
    }
}
