use super::Accounts;
use crate::application::call::Call;
use crate::application::error::{Refusal, Violations};
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::self_service::SelfService;
use crate::domain::audit::AuditType;
use crate::domain::id::SessionId;
use crate::domain::session::EndReason;

impl Accounts {
    /// Ends one of the caller's sessions. Somebody else's is not found, like one that does not exist.
    pub async fn revoke_my_session(
        &self,
        call: &Call,
        session_id: &str,
        request: &IdempotentCall<()>,
    ) -> Idempotent<()> {
        let mut violations = Violations::default();
        let id = violations.take("session_id", SessionId::parse(session_id));
        let id = violations.check(id)?;

        let person = call.person()?;
        let mut open = self.begin(call, SelfService::SESSION_END, request).await?;
        let tx = open.tx.as_mut();
        let session = tx.sessions().find_session(id).await?;
        session
            .filter(|session| session.user_id == person.user_id && session.is_live(call.now))
            .ok_or(Refusal::NotFound { resource: "Session", name: id.to_string() })?;
        if tx.sessions().end_session(id, EndReason::Revoked, call.now).await? {
            let event = call.event(AuditType::SessionRevoked).on(person.user_id).with("session_id", id);
            self.trail.record(tx, event, call.now).await?;
        }
        open.finish(()).await
    }
}
