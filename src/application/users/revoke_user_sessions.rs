use super::Users;
use crate::application::audit_trail::Event;
use crate::application::caller::Caller;
use crate::application::error::{Result, Violations};
use crate::application::idempotency::{Answer, IdempotentCall, Started};
use crate::domain::audit::AuditType;
use crate::domain::id::UserId;
use crate::domain::session::EndReason;

impl Users {
    /// Ends all of a person's sessions, the caller's own included. How many.
    pub async fn revoke_user_sessions(
        &self,
        caller: &Caller,
        id: &str,
        call: &IdempotentCall<usize>,
    ) -> Result<Answer<usize>> {
        let now = self.clock.now();
        let mut violations = Violations::default();
        let id = violations.take("id", UserId::parse(id));
        let id = violations.check(id)?;

        let mut work = match self.begin_on(caller, id, call).await? {
            Started::New((work, _)) => work,
            Started::Repeated(answer) => return Ok(Answer::Repeated(answer)),
        };
        let count = work.tx.sessions().end_sessions(id, None, (now, EndReason::Revoked)).await?;
        let event = Event::by(caller, AuditType::SessionRevoked).on(id).with("sessions", count);
        self.trail.record(work.tx.as_mut(), event, now).await?;
        work.finish(call, count).await
    }
}
