use super::Tokens;
use crate::application::audit_trail::Event;
use crate::application::call::Call;
use crate::application::error::{Refusal, Violations};
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::ports::{MAX_TOKEN_BYTES, Verified};
use crate::domain::access::change::AccessChange;
use crate::domain::audit::AuditType;
use crate::domain::credential::throttle::{Budget, ThrottleKey};
use crate::domain::secret::Secret;
use crate::domain::session::EndReason;
use crate::domain::text;

impl Tokens {
    /// Makes an access token void, or ends the session of a refresh token. Whatever is no live token is answered alike (RFC
    /// 7009, section 2.2), and a duplicate changes nothing. Only so many access tokens of a session are taken in an hour.
    pub async fn revoke_token(&self, call: &Call, token: &Secret, request: &IdempotentCall<()>) -> Idempotent<()> {
        let mut violations = Violations::default();
        let token = violations.take("token", text::required(token.expose(), MAX_TOKEN_BYTES));
        let token = violations.check(token)?;
        self.idempotency.require_new(call, request).await?;
        if let Some(session_id) = self.sessions.session_of(token) {
            return self.sessions.end_session(call, session_id, EndReason::Revoked, request).await;
        }
        match self.verifier.verify(token, None, call.now) {
            Ok(token) if self.authorizer.cached().is_good(&token, call.now).await? => {
                let subject = token.claims.principal.subject();
                let event = Event::by_person(subject, &call.origin, AuditType::TokenRevoked).on(subject);
                let event = event.with("session_id", token.claims.principal.sid());
                let outcome = self.void(call, &token, event.clone(), request).await;
                self.trail.note_throttling(self.store.as_ref(), outcome, event, call.now).await
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    async fn void(&self, call: &Call, token: &Verified, event: Event, request: &IdempotentCall<()>) -> Idempotent<()> {
        let (id, now) = (token.claims.token_id, call.now);
        let open = self.idempotency.open(call, request).await?;
        let tx = open.tx.as_ref();
        if tx.access_changes().insert_access_changes(&[AccessChange::Token(id)], now).await? > 0 {
            let counter = ThrottleKey::events(AuditType::TokenRevoked, token.claims.principal.sid().as_bytes());
            if !tx.throttles().take_budget(&counter, &Budget::REVOKED_TOKENS, now).await? {
                let counted = tx.throttles().find_throttle(&counter).await?;
                let retry_after = Budget::REVOKED_TOKENS.rest(counted, now);
                return Err(Refusal::RateLimited { retry_after, counter }.into());
            }
            self.trail.record(tx, event.with("token_id", id), now).await?;
        }
        open.finish(()).await
    }
}
