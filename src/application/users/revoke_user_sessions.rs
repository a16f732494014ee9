use super::Users;
use crate::application::call::Call;
use crate::application::error::Violations;
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::domain::audit::AuditType;
use crate::domain::id::UserId;
use crate::domain::session::EndReason;

impl Users {
    /// Ends all of a person's sessions, the caller's own included. How many.
    pub async fn revoke_user_sessions(
        &self,
        call: &Call,
        id: &str,
        request: &IdempotentCall<usize>,
    ) -> Idempotent<usize> {
        let mut violations = Violations::default();
        let id = violations.take("id", UserId::parse(id));
        let id = violations.check(id)?;

        let (open, _) = self.begin_on(call, id, request).await?;
        let count = open.tx.sessions().end_sessions(id, None, (call.now, EndReason::Revoked)).await?;
        let event = call.event(AuditType::SessionRevoked).on(id).with("sessions", count);
        self.trail.record(open.tx.as_ref(), event, call.now).await?;
        open.finish(count).await
    }
}
