use super::Accounts;
use crate::application::caller::Caller;
use crate::application::error::Result;
use crate::domain::session::EndReason;

impl Accounts {
    /// Ends all of the caller's sessions but the current one. How many.
    pub async fn revoke_my_other_sessions(&self, caller: &Caller) -> Result<usize> {
        let end = (self.clock.now(), EndReason::Revoked);
        let mut tx = self.store.write().await?;
        let count = tx.sessions().end_sessions(caller.user_id, Some(caller.session_id), end).await?;
        tx.commit().await?;
        Ok(count)
    }
}
