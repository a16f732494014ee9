use super::SignIn;
use super::attempt::{self, ProvenSignIn, WantedSession};
use super::begin_mfa_passkey::passkeys_of;
use super::challenge::{self, ChallengeFactor, IssuedChallenge, NewChallenge};
use super::complete_mfa::Answer;
use super::second_factor::{PresentedProof, ValidProof};
use crate::application::call::Call;
use crate::application::error::{Error, Refusal, Result, Violation, Violations};
use crate::application::idempotency::{Exit, Idempotent, IdempotentCall};
use crate::application::ports::Transaction;
use crate::application::self_service::SelfService;
use crate::application::sessions::IssuedTokens;
use crate::domain::account::user::User;
use crate::domain::audit::AuditType;
use crate::domain::credential::passkey::UserVerification;
use crate::domain::secret::Secret;
use crate::domain::session::authentication::{AssuranceLevel, Proof, ProofKind};
use crate::domain::session::challenge::{Challenge, ChallengePurpose};
use crate::domain::session::{EndReason, Session};
use crate::domain::text;

/// What a person sends to prove again who they are.
#[derive(Debug, Clone)]
pub struct CompleteStepUp {
    /// Names the challenge.
    pub challenge_token: Secret,
    /// The proof.
    pub proof: Option<PresentedProof>,
}

impl SignIn {
    /// Asks the caller for a fresh proof, for the level of the session or a higher one.
    pub async fn begin_step_up(&self, call: &Call, acr: &str) -> Result<IssuedChallenge> {
        let mut violations = Violations::default();
        let wanted = violations.take_optional("acr", acr, parse_level);
        let wanted = violations.check(Some(wanted))?;
        let person = call.person()?;
        let (session, user, factors) = {
            let tx = self.store.read().await?;
            let found = tx.sessions().find_session_with_user(person.session_id).await?;
            let (session, user) = found.ok_or(Refusal::TokenInvalid)?;
            let factors = tx.factors().list_factors(user.id).await?;
            (session, user, factors)
        };
        let level = wanted.unwrap_or(session.level(call.now));
        if level == AssuranceLevel::Aal2 && !user.mfa_enabled {
            let violation = Violation::form("acr", "must be a level that the account has a factor for");
            return Err(Error::Invalid(vec![violation]));
        }
        let mut offered = ChallengeFactor::offered_by(&factors);
        let purpose = if level == AssuranceLevel::Aal2 {
            ChallengePurpose::StepUpAal2
        } else {
            offered.insert(0, ChallengeFactor::Password);
            ChallengePurpose::StepUp
        };
        let passkeys = passkeys_of(&factors);
        let question: [u8; 32] = self.entropy.bytes()?;
        let asked = !passkeys.is_empty();
        let options = self.passkeys.request_options(&question, &passkeys, UserVerification::Preferred)?;
        let challenge = NewChallenge {
            purpose,
            user_id: Some(user.id),
            session_id: Some(session.id),
            proofs: Vec::new(),
            wanted: WantedSession { audience: session.audience, label: session.label },
            failures_before: 0,
            webauthn_challenge: asked.then_some(question),
        };
        let tx = self.store.write().await?;
        SelfService::SIGN_IN.take_of_account(tx.as_ref(), &self.throttle_key, (user.id, call)).await?;
        let (token, expire_time) = challenge.store(tx.as_ref(), self.entropy.as_ref(), call.now).await?;
        tx.commit().await?;
        let request_options = asked.then_some(options);
        Ok(IssuedChallenge { token, factors: offered, request_options, expire_time })
    }

    /// Proves again who the caller is: a new session takes the place of the caller's (ASVS 7.2.4).
    pub async fn complete_step_up(
        &self,
        call: &Call,
        command: CompleteStepUp,
        request: &IdempotentCall<IssuedTokens>,
    ) -> Idempotent<IssuedTokens> {
        let answer = Answer::parse(&command.challenge_token, command.proof)?;
        match (self.idempotency.require_new(call, request).await, &answer.proof) {
            // Another request with a used id might guess the password that the first one held: it counts as a guess.
            (Err(Exit::Failed(Error::Refused(Refusal::RequestIdReused))), ValidProof::Password(password)) => {
                self.own_password.check(call, password, AuditType::SteppedUp, request).await?;
            }
            (outcome, _) => outcome?,
        }
        let outcome = self.try_step_up(call, &answer, request).await;
        let throttled = call.event(AuditType::LoginThrottled).with("request", "step_up");
        self.trail.note_throttling(self.store.as_ref(), outcome, throttled, call.now).await
    }

    async fn try_step_up(
        &self,
        call: &Call,
        answer: &Answer,
        request: &IdempotentCall<IssuedTokens>,
    ) -> Idempotent<IssuedTokens> {
        let person = call.person()?;
        let purposes = [ChallengePurpose::StepUp, ChallengePurpose::StepUpAal2];
        let challenge = challenge::find(self.store.as_ref(), &answer.digest, &purposes, call.now).await?;
        let is_own = challenge.user_id == Some(person.user_id) && challenge.session_id == Some(person.session_id);
        if !is_own {
            return Err(Refusal::MfaChallengeInvalid.into());
        }
        let (tx, user, kind) = self.prove_again(call, (&challenge, answer), request).await?;
        let open = self.idempotency.claim(tx, call, request).await?;
        let tx = open.tx.as_ref();
        challenge::consume(tx, &challenge).await?;
        let session = tx.sessions().find_session(person.session_id).await?.filter(|session| session.is_live(call.now));
        let session = session.ok_or(Refusal::TokenInvalid)?;
        let proven = stepped_up(&session, &challenge, Proof { kind, time: call.now }, call);
        let begun = self.sessions.begin(tx, &user, proven, call).await?;
        tx.sessions().end_session(session.id, EndReason::Replaced, call.now).await?;
        let event = call.event(AuditType::SteppedUp).on(user.id);
        let event = event.with("session_id", begun.session.id).with("replaced_session_id", session.id);
        self.trail.record(tx, event.with("method", kind.as_str()), call.now).await?;
        let tokens = self.sessions.tokens_of(&begun, call)?;
        open.finish(tokens).await
    }

    /// Checks the proof and takes it, in a transaction that locks the person.
    async fn prove_again(
        &self,
        call: &Call,
        (challenge, answer): (&Challenge, &Answer),
        request: &IdempotentCall<IssuedTokens>,
    ) -> std::result::Result<(Box<dyn Transaction>, User, ProofKind), Exit> {
        if let ValidProof::Password(password) = &answer.proof {
            // What the person has is asked for: the password alone would do without it.
            if challenge.purpose == ChallengePurpose::StepUpAal2 {
                return Err(Refusal::MfaCodeInvalid.into());
            }
            let proof = self.own_password.check(call, password, AuditType::SteppedUp, request).await?;
            let tx = self.store.write().await?;
            let user = proof.confirm(tx.as_ref(), call).await?;
            return Ok((tx, user, ProofKind::Password));
        }
        let checked = self.check_factor(call, challenge, &answer.proof).await?;
        let (tx, user) = self.take_factor(call, challenge, &checked).await?;
        if !user.keeps_sessions() {
            return Err(Refusal::TokenInvalid.into());
        }
        self.note_recovery(tx.as_ref(), &user, &checked, call).await?;
        Ok((tx, user, checked.kind))
    }
}

/// The sign-in that takes the place of a session after a further proof.
fn stepped_up(session: &Session, challenge: &Challenge, proof: Proof, call: &Call) -> ProvenSignIn {
    let is_aal2 = session.level(call.now) == AssuranceLevel::Aal2;
    let attempt = attempt::resume(challenge);
    ProvenSignIn {
        client_id: session.client_id.clone(),
        audience: attempt.wanted.audience,
        label: attempt.wanted.label,
        authentication: session.authentication.believed(call.now).step_up(proof, is_aal2),
        after_failures: false,
    }
}

fn parse_level(acr: &str) -> std::result::Result<AssuranceLevel, String> {
    let text = text::optional(acr, 32).map_err(|why| why.to_string())?;
    let level = AssuranceLevel::parse(text).filter(|&level| level > AssuranceLevel::Enrolment);
    level.ok_or_else(|| "must be urn:ipse:aal:1 or urn:ipse:aal:2".to_owned())
}
