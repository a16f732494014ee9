use super::Sessions;
use crate::application::audit_trail::Event;
use crate::application::error::Result;
use crate::domain::Timestamp;
use crate::domain::account::user::UnverifiedSignIn;
use crate::domain::audit::AuditType;
use crate::domain::session::EndReason;

/// How many sessions one transaction ends, so that no writer waits long.
const BATCH: i64 = 500;

impl Sessions {
    /// Ends the sessions of people whose address is not proven, unless they may sign in: the operator may have let them
    /// before, and their access tokens would be good until they expire.
    pub async fn end_unproven(&self, now: Timestamp) -> Result<()> {
        if self.policy.unverified_sign_in == UnverifiedSignIn::Allowed {
            return Ok(());
        }
        loop {
            let tx = self.store.write().await?;
            let count = tx.sessions().end_unproven_sessions((now, EndReason::Revoked), BATCH).await?;
            if count == 0 {
                // No session ended, but sign-ins may have that waited.
                return Ok(tx.commit().await?);
            }
            let event = Event::by_system(AuditType::SessionRevoked).with("count", count);
            self.trail.record(tx.as_ref(), event, now).await?;
            tx.commit().await?;
        }
    }
}
