use super::Accounts;
use crate::application::audit_trail::Event;
use crate::application::caller::Person;
use crate::application::error::Result;
use crate::domain::audit::AuditType;
use crate::domain::session::EndReason;

impl Accounts {
    /// Ends all of the caller's sessions but the current one. How many.
    pub async fn revoke_my_other_sessions(&self, caller: &Person) -> Result<usize> {
        let now = self.clock.now();
        let end = (now, EndReason::Revoked);
        let mut tx = self.store.write().await?;
        let count = tx.sessions().end_sessions(caller.user_id, Some(caller.session_id), end).await?;
        if count > 0 {
            let event = Event::by_person(caller.user_id, &caller.origin, AuditType::SessionRevoked)
                .on(caller.user_id)
                .with("count", count);
            self.trail.record(tx.as_mut(), event, now).await?;
        }
        tx.commit().await?;
        Ok(count)
    }
}
