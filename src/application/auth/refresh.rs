use super::{Auth, IssuedTokens};
use crate::application::audit_trail::Event;
use crate::application::error::{Error, Refusal, Result, Violations};
use crate::application::ports::Transaction;
use crate::domain::audit::AuditType;
use crate::domain::session::origin::Origin;
use crate::domain::session::refresh_token;
use crate::domain::session::refresh_token::RefreshToken;
use crate::domain::session::{EndReason, RefreshVerdict};
use crate::domain::text;
use crate::domain::{Timestamp, session::Session};

impl Auth {
    /// Exchanges a refresh token for new tokens.
    ///
    /// Parallel refreshes of one token agree on one successor: one of them stores it, the others find it stored and,
    /// within the grace, derive the same one. A client that breaks off after the change was stored gets it again in
    /// the same way.
    pub async fn refresh(&self, refresh_token: &str, origin: &Origin) -> Result<IssuedTokens> {
        let now = self.clock.now();
        let mut violations = Violations::default();
        let text = violations.take("refresh_token", text::required(refresh_token, refresh_token::MAX_BYTES));
        let text = violations.check(text)?;
        let token = RefreshToken::parse(text, &self.refresh_key).ok_or(Refusal::RefreshTokenInvalid)?;

        let mut tx = self.store.write().await?;
        let mut pass = self.pass(tx.as_mut(), &token, (origin, now)).await;
        if matches!(pass, Ok(None)) {
            pass = self.pass(tx.as_mut(), &token, (origin, now)).await;
        }
        match pass {
            Ok(Some((session, successor))) => {
                let roles = tx.roles().roles_of(session.user_id.into()).await?;
                tx.commit().await?;
                self.issue.issue(&session, &successor, (&roles, now))
            }
            Ok(None) => Err(Refusal::RefreshTokenInvalid.into()),
            Err(Error::Refused(refusal)) => {
                // The refusal may have ended the session, which must be remembered before it is told.
                tx.commit().await?;
                Err(refusal.into())
            }
            Err(error) => Err(error),
        }
    }

    /// The session with its new live token, and that token; nothing if a parallel refresh was faster.
    async fn pass(
        &self,
        tx: &mut dyn Transaction,
        token: &RefreshToken,
        (origin, now): (&Origin, Timestamp),
    ) -> Result<Option<(Session, RefreshToken)>> {
        let found = tx.sessions().find_session_with_user(token.session_id()).await?;
        let (mut session, user) = found.ok_or(Refusal::RefreshTokenInvalid)?;
        if !user.keeps_sessions() {
            return Err(Refusal::RefreshTokenInvalid.into());
        }
        let successor = token.successor(&self.refresh_key);
        match session.judge(token, now, self.policy.sessions.refresh_grace) {
            RefreshVerdict::Rotate => {
                session.rotate(&successor, now, self.policy.sessions);
                let stored = tx.sessions().rotate_session(&session, &token.digest()).await?;
                Ok(stored.then_some((session, successor)))
            }
            RefreshVerdict::Repeat => Ok(Some((session, successor))),
            RefreshVerdict::Reused => {
                tx.sessions().end_session(session.id, EndReason::TokenReuse, now).await?;
                let event = Event::anonymous(origin, AuditType::TokenReused).on(user.id).failed("REFRESH_TOKEN_REUSED");
                self.trail.record(tx, event.with("session_id", session.id), now).await?;
                tracing::warn!(session_id = %session.id, user_id = %user.id, "a retired refresh token came back, the session was ended");
                Err(Refusal::RefreshTokenInvalid.into())
            }
            RefreshVerdict::Over => Err(Refusal::RefreshTokenInvalid.into()),
        }
    }
}
