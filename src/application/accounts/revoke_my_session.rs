use super::Accounts;
use crate::application::call::Call;
use crate::application::error::{Refusal, Violations};
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::self_service::SelfService;
use crate::domain::audit::AuditType;
use crate::domain::id::SessionId;
use crate::domain::session::EndReason;

/// What ending the sessions of other people takes.
const REVOKE_OTHERS: &str = "sessions.revoke";

impl Accounts {
    /// Ends one of the caller's sessions. One of somebody else's is refused, like one that does not exist.
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
        let open = self.begin(call, SelfService::SESSION_END, request).await?;
        let tx = open.tx.as_ref();
        let session = tx.sessions().find_session(id).await?.filter(|session| session.user_id == person.user_id);
        let session = session.ok_or_else(|| Refusal::PermissionMissing { permission: REVOKE_OTHERS.to_owned() })?;
        if !session.is_live(call.now) {
            return Err(Refusal::NotFound { resource: "Session", name: id.to_string() }.into());
        }
        if tx.sessions().end_session(id, EndReason::Revoked, call.now).await? {
            let event = call.event(AuditType::SessionRevoked).on(person.user_id).with("session_id", id);
            self.trail.record(tx, event, call.now).await?;
        }
        open.finish(()).await
    }
}
