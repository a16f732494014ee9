use super::Accounts;
use crate::application::call::Call;
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::self_service::SelfService;
use crate::domain::audit::AuditType;
use crate::domain::session::EndReason;

impl Accounts {
    /// Ends all of the caller's sessions but the current one. How many.
    pub async fn revoke_my_other_sessions(&self, call: &Call, request: &IdempotentCall<usize>) -> Idempotent<usize> {
        let person = call.person()?;
        let end = (call.now, EndReason::Revoked);
        let open = self.begin(call, SelfService::SESSION_END, request).await?;
        let tx = open.tx.as_ref();
        let count = tx.sessions().end_sessions(person.user_id, Some(person.session_id), end).await?;
        if count > 0 {
            let event = call.event(AuditType::SessionRevoked).on(person.user_id).with("count", count);
            self.trail.record(tx, event, call.now).await?;
        }
        open.finish(count).await
    }
}
