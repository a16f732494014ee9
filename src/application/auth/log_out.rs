use super::{Auth, Bearer};
use crate::application::audit_trail::Event;
use crate::application::error::{Result, Violations};
use crate::domain::audit::AuditType;
use crate::domain::origin::Origin;
use crate::domain::refresh_token::{self, RefreshToken};
use crate::domain::session::EndReason;
use crate::domain::text;

/// What a client sends to sign out.
#[derive(Debug, Clone)]
pub struct LogOut {
    /// The refresh token of the session to end, or empty for the session of the bearer.
    pub refresh_token: String,
    /// The access token of the call.
    pub bearer: Bearer,
}

impl Auth {
    /// Ends a session. A refresh token that is not valid any more is answered like a valid one (RFC 7009, section 2.2).
    pub async fn log_out(&self, command: LogOut, origin: &Origin) -> Result<()> {
        let now = self.clock.now();
        let mut violations = Violations::default();
        let text = violations.take("refresh_token", text::optional(&command.refresh_token, refresh_token::MAX_BYTES));
        let session_id = match violations.check(text)? {
            "" => Some(self.authenticate(&command.bearer, origin).await?.session_id()),
            text => RefreshToken::parse(text, &self.refresh_key).map(|token| token.session_id()),
        };
        if let Some(session_id) = session_id {
            let mut tx = self.store.write().await?;
            let session = tx.sessions().find_session(session_id).await?;
            let has_ended = tx.sessions().end_session(session_id, EndReason::Logout, now).await?;
            if let Some(session) = session.filter(|_| has_ended) {
                let event = Event::by_person(session.user_id, origin, AuditType::LoggedOut).on(session.user_id);
                self.trail.record(tx.as_mut(), event.with("session_id", session_id), now).await?;
            }
            tx.commit().await?;
        }
        Ok(())
    }
}
