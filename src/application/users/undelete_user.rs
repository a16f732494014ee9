use super::Users;
use crate::application::call::Call;
use crate::application::error::Violations;
use crate::application::idempotency::{Idempotent, IdempotentCall};
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
        call: &Call,
        command: UndeleteUser,
        request: &IdempotentCall<User>,
    ) -> Idempotent<User> {
        let mut violations = Violations::default();
        let id = violations.take("id", UserId::parse(&command.id));
        let etag = violations.take("etag", etag::read(&command.etag));
        let (id, etag) = violations.check(id.zip(etag))?;

        let (mut open, mut user) = self.begin_on(call, id, request).await?;
        etag::require(etag, &user.etag())?;
        user.undelete(call.now)?;
        user_changes::user(open.tx.as_mut(), &user).await?;
        self.trail.record(open.tx.as_mut(), call.event(AuditType::UserUndeleted).on(id), call.now).await?;
        open.finish(user).await
    }
}
