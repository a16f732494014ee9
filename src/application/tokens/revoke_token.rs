use super::{MAX_TOKEN_BYTES, Tokens};
use crate::application::audit_trail::Event;
use crate::application::error::{Result, Violations};
use crate::application::ports::Verified;
use crate::domain::Timestamp;
use crate::domain::access_change::AccessChange;
use crate::domain::audit::AuditType;
use crate::domain::origin::Origin;
use crate::domain::secret::Secret;
use crate::domain::session::EndReason;
use crate::domain::text;

impl Tokens {
    /// Makes an access token void, or ends the session of a refresh token. Whatever is no live token is answered alike (RFC
    /// 7009, section 2.2), and a repeat changes nothing.
    pub async fn revoke_token(&self, token: &Secret, origin: &Origin) -> Result<()> {
        let now = self.clock.now();
        let mut violations = Violations::default();
        let token = violations.take("token", text::required(token.expose(), MAX_TOKEN_BYTES));
        let token = violations.check(token)?;
        if let Some(session_id) = self.auth.session_of(token) {
            let why = (EndReason::Revoked, AuditType::SessionRevoked);
            return self.auth.end_session(session_id, why, (origin, now)).await;
        }
        match self.verifier.verify(token, None, now) {
            Ok(token) if self.admission.is_good(&token).await? => self.void(&token, (origin, now)).await,
            Ok(_) | Err(_) => Ok(()),
        }
    }

    async fn void(&self, token: &Verified, (origin, now): (&Origin, Timestamp)) -> Result<()> {
        let (id, subject) = (token.claims.token_id, token.claims.principal.subject());
        let mut tx = self.store.write().await?;
        if tx.access_changes().insert_access_changes(&[AccessChange::Token(id)], now).await? > 0 {
            let event = Event::by_person(subject, origin, AuditType::TokenRevoked).on(subject);
            let event = event.with("token_id", id).with("session_id", token.claims.principal.sid());
            self.trail.record(tx.as_mut(), event, now).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}
