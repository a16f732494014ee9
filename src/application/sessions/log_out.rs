use super::Sessions;
use crate::application::audit_trail::Event;
use crate::application::call::Call;
use crate::application::error::{Refusal, Violations};
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::domain::audit::AuditType;
use crate::domain::id::SessionId;
use crate::domain::secret::Secret;
use crate::domain::session::EndReason;
use crate::domain::session::refresh_token::{self, RefreshToken};
use crate::domain::text;

/// What a client sends to sign out.
#[derive(Debug, Clone)]
pub struct LogOut {
    /// The refresh token of the session to end, or empty for the session of the call's access token.
    pub refresh_token: Secret,
}

impl Sessions {
    /// Ends a session. A refresh token that is not valid any more is answered like a valid one (RFC 7009, section 2.2).
    pub async fn log_out(&self, call: &Call, command: LogOut, request: &IdempotentCall<()>) -> Idempotent<()> {
        let mut violations = Violations::default();
        let text = text::optional(command.refresh_token.expose(), refresh_token::MAX_BYTES);
        let text = violations.take("refresh_token", text);
        let text = violations.check(text)?;
        self.idempotency.require_new(call, request).await?;
        let session_id = match text {
            "" => {
                let caller = self.authorizer.authenticate_own(&call.bearer, call.now).await?;
                Some(caller.person().ok_or(Refusal::PersonRequired)?.session_id)
            }
            text => self.session_of(text),
        };
        match session_id {
            Some(id) => self.end_session(call, id, EndReason::Logout, request).await,
            None => Ok(()),
        }
    }

    /// The session of a refresh token that this server issued, live or not.
    pub(in crate::application) fn session_of(&self, refresh_token: &str) -> Option<SessionId> {
        self.refresh_key.find(|key| RefreshToken::parse(refresh_token, key)).map(|token| token.session_id())
    }

    /// Ends a session for somebody who holds a token of it, unless it has ended already.
    pub(in crate::application) async fn end_session(
        &self,
        call: &Call,
        id: SessionId,
        reason: EndReason,
        request: &IdempotentCall<()>,
    ) -> Idempotent<()> {
        let kind = if reason == EndReason::Logout { AuditType::LoggedOut } else { AuditType::SessionRevoked };
        let open = self.idempotency.open(call, request).await?;
        let tx = open.tx.as_ref();
        let session = tx.sessions().find_session(id).await?;
        let has_ended = tx.sessions().end_session(id, reason, call.now).await?;
        if let Some(session) = session.filter(|_| has_ended) {
            let event = Event::by_person(session.user_id, &call.origin, kind).on(session.user_id);
            self.trail.record(tx, event.with("session_id", id), call.now).await?;
        }
        open.finish(()).await
    }
}
