use super::{Auth, Bearer};
use crate::application::audit_trail::Event;
use crate::application::error::{Refusal, Result, Violations};
use crate::domain::Timestamp;
use crate::domain::audit::AuditType;
use crate::domain::id::SessionId;
use crate::domain::session::EndReason;
use crate::domain::session::origin::Origin;
use crate::domain::session::refresh_token;
use crate::domain::session::refresh_token::RefreshToken;
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
            "" => {
                let caller = self.authenticate(&command.bearer, origin).await?;
                Some(caller.person().ok_or(Refusal::PersonRequired)?.session_id)
            }
            text => self.session_of(text),
        };
        match session_id {
            Some(id) => self.end_session(id, (EndReason::Logout, AuditType::LoggedOut), (origin, now)).await,
            None => Ok(()),
        }
    }

    /// The session of a refresh token that this server issued, live or not.
    pub(in crate::application) fn session_of(&self, refresh_token: &str) -> Option<SessionId> {
        RefreshToken::parse(refresh_token, &self.refresh_key).map(|token| token.session_id())
    }

    /// Ends a session for somebody who holds a token of it, unless it has ended already.
    pub(in crate::application) async fn end_session(
        &self,
        id: SessionId,
        (reason, kind): (EndReason, AuditType),
        (origin, now): (&Origin, Timestamp),
    ) -> Result<()> {
        let mut tx = self.store.write().await?;
        let session = tx.sessions().find_session(id).await?;
        let has_ended = tx.sessions().end_session(id, reason, now).await?;
        if let Some(session) = session.filter(|_| has_ended) {
            let event = Event::by_person(session.user_id, origin, kind).on(session.user_id);
            self.trail.record(tx.as_mut(), event.with("session_id", id), now).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}
