use super::Users;
use crate::application::access::last_administrator;
use crate::application::call::Call;
use crate::application::error::Violations;
use crate::application::idempotency::{Idempotent, IdempotentCall};
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
        call: &Call,
        command: DeleteUser,
        request: &IdempotentCall<User>,
    ) -> Idempotent<User> {
        let mut violations = Violations::default();
        let id = violations.take("id", UserId::parse(&command.id));
        let etag = violations.take("etag", etag::read(&command.etag));
        let (id, etag) = violations.check(id.zip(etag))?;

        let (mut open, mut user) = self.begin_on(call, id, request).await?;
        etag::require(etag, &user.etag())?;
        last_administrator::keep(open.tx.as_mut(), &user).await?;
        user.delete(self.policy.deleted_retention, call.now)?;
        user_changes::closed(open.tx.as_mut(), &user, call.now).await?;
        self.trail.record(open.tx.as_mut(), call.event(AuditType::UserDeleted).on(id), call.now).await?;
        open.finish(user).await
    }
}
