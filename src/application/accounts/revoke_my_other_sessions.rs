use super::Accounts;
use crate::application::call::Call;
use crate::application::error::Result;
use crate::application::self_service::SelfService;
use crate::domain::audit::AuditType;
use crate::domain::session::EndReason;

impl Accounts {
    /// Ends all of the caller's sessions but the current one. How many.
    pub async fn revoke_my_other_sessions(&self, call: &Call) -> Result<usize> {
        let person = call.person()?;
        let end = (call.now, EndReason::Revoked);
        let mut tx = self.begin(call, SelfService::SESSION_END).await?;
        let count = tx.sessions().end_sessions(person.user_id, Some(person.session_id), end).await?;
        if count > 0 {
            let event = call.event(AuditType::SessionRevoked).on(person.user_id).with("count", count);
            self.trail.record(tx.as_mut(), event, call.now).await?;
        }
        tx.commit().await?;
        Ok(count)
    }
}
