use super::SignIn;
use super::attempt::WantedSession;
use super::challenge::{ChallengeFactor, IssuedChallenge, NewChallenge};
use crate::application::attempt_limiter::AttemptLimiter;
use crate::application::audit_trail::Event;
use crate::application::call::Call;
use crate::application::error::Result;
use crate::domain::audit::AuditType;
use crate::domain::credential::passkey::UserVerification;
use crate::domain::session::challenge::ChallengePurpose;

impl SignIn {
    /// Asks for a passkey of whoever wants to sign in by one alone: the question is alike for everybody, as it names nobody.
    pub async fn begin_passkey_login(&self, call: &Call) -> Result<IssuedChallenge> {
        let outcome = self.try_begin_passkey_login(call).await;
        let throttled = Event::anonymous(&call.origin, AuditType::RateLimitExceeded).with("request", "passkey_login");
        self.trail.note_throttling(self.store.as_ref(), outcome, throttled, call.now).await
    }

    async fn try_begin_passkey_login(&self, call: &Call) -> Result<IssuedChallenge> {
        let question: [u8; 32] = self.entropy.bytes()?;
        let options = self.passkeys.request_options(&question, &[], UserVerification::Required)?;
        let limiter = AttemptLimiter::request(&self.throttle_key, "passkey_login", &call.origin.client);
        let tx = self.store.write().await?;
        limiter.count(tx.as_ref(), call.now).await?;
        let challenge = NewChallenge {
            purpose: ChallengePurpose::PasskeySignIn,
            user_id: None,
            session_id: None,
            proofs: Vec::new(),
            wanted: WantedSession::default(),
            failures_before: 0,
            webauthn_challenge: Some(question),
        };
        let (token, expire_time) = challenge.store(tx.as_ref(), self.entropy.as_ref(), call.now).await?;
        tx.commit().await?;
        let factors = vec![ChallengeFactor::Passkey];
        Ok(IssuedChallenge { token, factors, request_options: Some(options), expire_time })
    }
}
