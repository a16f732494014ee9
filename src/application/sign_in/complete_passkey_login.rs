use super::SignIn;
use super::attempt::{SignInAttempt, WantedSession};
use super::challenge;
use super::log_in::{audit_reason, refusal};
use super::second_factor::{CheckedFactor, SecondFactors};
use super::sign_in_candidate::succeeded;
use crate::application::attempt_limiter::AttemptLimiter;
use crate::application::audit_trail::Event;
use crate::application::call::Call;
use crate::application::error::{Error, Refusal, Result, Violations};
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::ports::{AssertionCeremony, MAX_CREDENTIAL_BYTES, PasskeyUse};
use crate::application::self_service::SelfService;
use crate::application::sessions::IssuedTokens;
use crate::domain::account::user::UserState;
use crate::domain::audit::AuditType;
use crate::domain::credential::factor::Factor;
use crate::domain::credential::passkey::UserVerification;
use crate::domain::id::UserId;
use crate::domain::secret::{Digest, Secret};
use crate::domain::session::authentication::{AssuranceLevel, ProofKind};
use crate::domain::session::challenge::{Challenge, ChallengePurpose};
use crate::domain::session::client::ClientLabel;
use crate::domain::text;

/// What a person sends to sign in by a passkey alone.
#[derive(Debug, Clone)]
pub struct CompletePasskeyLogin {
    /// Names the challenge.
    pub challenge_token: Secret,
    /// The authenticator's answer, as JSON.
    pub credential_json: Secret,
    /// The service the access token is for, or empty.
    pub audience: String,
    /// The name that the client gives itself, or empty.
    pub client_label: String,
}

/// A command that is well formed.
struct ValidPasskeyLogin {
    digest: Digest,
    credential: Secret,
    wanted: WantedSession,
}

impl SignIn {
    /// Signs in by a passkey alone. The authenticator must have verified the person, so that it counts as two factors.
    ///
    /// A credential that nobody registered costs the same reads and the same signature check as a registered one, and gets
    /// the answer of a wrong one. The account's state shows only after the right answer.
    pub async fn complete_passkey_login(
        &self,
        call: &Call,
        command: CompletePasskeyLogin,
        request: &IdempotentCall<IssuedTokens>,
    ) -> Idempotent<IssuedTokens> {
        let valid = self.parse_passkey_login(command)?;
        self.idempotency.require_new(call, request).await?;
        let outcome = self.try_passkey_login(call, valid, request).await;
        let throttled = Event::anonymous(&call.origin, AuditType::LoginThrottled).with("request", "passkey_login");
        self.trail.note_throttling(self.store.as_ref(), outcome, throttled, call.now).await
    }

    async fn try_passkey_login(
        &self,
        call: &Call,
        valid: ValidPasskeyLogin,
        request: &IdempotentCall<IssuedTokens>,
    ) -> Idempotent<IssuedTokens> {
        let limiter = AttemptLimiter::passkey(&self.throttle_key, &call.origin.client);
        limiter.check(self.store.read().await?.as_ref(), call.now).await?;
        let purposes = [ChallengePurpose::PasskeySignIn];
        let challenge = challenge::find(self.store.as_ref(), &valid.digest, &purposes, call.now).await?;
        let (factor, checked) = self.check_passkey_alone(call, &challenge, &valid.credential).await?;

        let tx = self.store.write().await?;
        let user = tx.users().lock_user(factor.user_id).await?.filter(|user| user.state != UserState::Deleted);
        let user = user.ok_or(Refusal::MfaCodeInvalid)?;
        if let Err(why) = user.may_sign_in(self.policy.unverified_sign_in) {
            let event = Event::by_person(user.id, &call.origin, AuditType::LoginFailed).on(user.id);
            self.trail.record(tx.as_ref(), event.denied(audit_reason(why)), call.now).await?;
            challenge::consume(tx.as_ref(), &challenge).await?;
            tx.commit().await?;
            return Err(refusal(why).into());
        }
        let open = self.idempotency.claim(tx, call, request).await?;
        let tx = open.tx.as_ref();
        challenge::consume(tx, &challenge).await?;
        if !SecondFactors::take(tx, &checked, call.now).await? {
            return Err(Refusal::MfaCodeInvalid.into());
        }
        SelfService::SIGN_IN.take_of_account(tx, &self.throttle_key, (user.id, call)).await?;
        let proven = SignInAttempt::new(valid.wanted, 0).prove(checked.kind, call.now).complete(AssuranceLevel::Aal2);
        let proven =
            proven.ok_or_else(|| Error::Internal("a passkey that verified its person proves nothing".into()))?;
        let begun = self.sessions.begin(tx, &user, proven, call).await?;
        self.sessions.replace(tx, &begun, call).await?;
        let event = succeeded(&begun.session, 0, &call.origin).with("factor_id", checked.id);
        self.trail.record(tx, event, call.now).await?;
        let tokens = self.sessions.tokens_of(&begun, call)?;
        open.finish(tokens).await
    }

    /// The passkey that answers, if the answer is right. A wrong one is recorded before it is told.
    async fn check_passkey_alone(
        &self,
        call: &Call,
        challenge: &Challenge,
        credential: &Secret,
    ) -> Result<(Factor, CheckedFactor)> {
        let asked = challenge.webauthn_challenge.ok_or(Refusal::MfaChallengeInvalid)?;
        let (factor, why) = match self.passkeys.read_assertion(credential.expose()) {
            Err(why) => (None, why.as_str()),
            Ok(presented) => {
                let factor = self.store.read().await?.factors().find_passkey(&presented.credential_id).await?;
                let factor = factor.filter(Factor::is_usable);
                let stored = factor.as_ref().and_then(Factor::passkey);
                let user_verification = UserVerification::Required;
                let ceremony = AssertionCeremony { challenge: &asked, user_handle: None, user_verification };
                match (self.passkeys.verify(&presented, stored, &ceremony), stored) {
                    (Ok(verified), Some(stored)) => {
                        let kind = ProofKind::passkey(stored.backup_eligible, verified.user_verified);
                        let use_ = PasskeyUse {
                            expected_count: stored.sign_count,
                            new_count: verified.sign_count,
                            backed_up: verified.backed_up,
                        };
                        let factor = factor.ok_or(Refusal::MfaCodeInvalid)?;
                        let checked = CheckedFactor::passkey(factor.id, kind, use_);
                        return Ok((factor, checked));
                    }
                    (Err(why), _) => (factor.map(|factor| factor.user_id), why.as_str()),
                    (Ok(_), None) => (None, "UNKNOWN_CREDENTIAL"),
                }
            }
        };
        self.remember_failed_passkey(call, (challenge, factor), why).await?;
        Err(Refusal::MfaCodeInvalid.into())
    }

    /// What a wrong answer leaves behind: no question to answer again.
    async fn remember_failed_passkey(
        &self,
        call: &Call,
        (challenge, user_id): (&Challenge, Option<UserId>),
        why: &str,
    ) -> Result<()> {
        let limiter = AttemptLimiter::passkey(&self.throttle_key, &call.origin.client);
        let event = Event::anonymous(&call.origin, AuditType::LoginFailed).failed(why).with("method", "passkey");
        let event = if let Some(user_id) = user_id { event.on(user_id) } else { event };
        let tx = self.store.write().await?;
        limiter.count(tx.as_ref(), call.now).await?;
        self.trail.record(tx.as_ref(), event, call.now).await?;
        tx.challenges().delete_challenge(&challenge.digest).await?;
        Ok(tx.commit().await?)
    }

    fn parse_passkey_login(&self, command: CompletePasskeyLogin) -> Result<ValidPasskeyLogin> {
        let mut violations = Violations::default();
        let digest = challenge::read(&command.challenge_token, &mut violations);
        let credential = text::required(command.credential_json.expose(), MAX_CREDENTIAL_BYTES);
        let credential = violations.take("credential_json", credential);
        let audience = violations.take("audience", text::optional(&command.audience, 255));
        let label = violations.take("client_label", ClientLabel::parse(&command.client_label));
        let ((digest, _), (audience, label)) = violations.check(digest.zip(credential).zip(audience.zip(label)))?;
        let audience = self.policy.audiences.choose(audience).map_err(|_| Refusal::AudienceUnknown)?;
        let wanted = WantedSession { audience, label };
        Ok(ValidPasskeyLogin { digest, credential: command.credential_json, wanted })
    }
}
