use super::{UserVersion, Users};
use crate::application::call::Call;
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::{etag, user_changes};
use crate::domain::account::user::User;
use crate::domain::audit::AuditType;

impl Users {
    /// Takes a deletion back. A suspension holds on, and ended sessions stay ended.
    pub async fn undelete_user(
        &self,
        call: &Call,
        command: UserVersion,
        request: &IdempotentCall<User>,
    ) -> Idempotent<User> {
        let (id, etag) = command.parse()?;

        let (open, mut user) = self.begin_on(call, id, request).await?;
        etag::require(etag, &user.etag())?;
        user.undelete(call.now)?;
        user_changes::user(open.tx.as_ref(), &user).await?;
        self.trail.record(open.tx.as_ref(), call.event(AuditType::UserUndeleted).on(id), call.now).await?;
        open.finish(user).await
    }
}
