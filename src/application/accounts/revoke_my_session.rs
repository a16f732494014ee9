use super::Accounts;
use crate::application::audit_trail::Event;
use crate::application::caller::Person;
use crate::application::error::{Refusal, Result, Violations};
use crate::domain::audit::AuditType;
use crate::domain::id::SessionId;
use crate::domain::session::EndReason;

impl Accounts {
    /// Ends one of the caller's sessions. Somebody else's is not found, like one that does not exist.
    pub async fn revoke_my_session(&self, caller: &Person, session_id: &str) -> Result<()> {
        let now = self.clock.now();
        let mut violations = Violations::default();
        let id = violations.take("session_id", SessionId::parse(session_id));
        let id = violations.check(id)?;

        let mut tx = self.store.write().await?;
        let session = tx.sessions().find_session(id).await?;
        session
            .filter(|session| session.user_id == caller.user_id && session.is_live(now))
            .ok_or(Refusal::NotFound { resource: "Session", name: id.to_string() })?;
        if tx.sessions().end_session(id, EndReason::Revoked, now).await? {
            let event = Event::by_person(caller.user_id, &caller.origin, AuditType::SessionRevoked)
                .on(caller.user_id)
                .with("session_id", id);
            self.trail.record(tx.as_mut(), event, now).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}
