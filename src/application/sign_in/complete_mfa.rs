use super::challenge::{self, holder};
use super::log_in::refusal;
use super::second_factor::{CheckedFactor, PresentedProof, SecondFactors, ValidProof};
use super::{SignIn, attempt, sign_in_candidate};
use crate::application::attempt_limiter::AttemptLimiter;
use crate::application::audit_trail::Event;
use crate::application::call::Call;
use crate::application::error::{Error, Refusal, Result, Violations};
use crate::application::idempotency::{Exit, Idempotent, IdempotentCall};
use crate::application::ports::Transaction;
use crate::application::sessions::IssuedTokens;
use crate::domain::account::user::User;
use crate::domain::audit::AuditType;
use crate::domain::credential::factor::{Factor, FactorKind, HARD_LIMIT};
use crate::domain::mail::{FactorsChange, MailContent};
use crate::domain::secret::{Digest, Secret};
use crate::domain::session::authentication::{AssuranceLevel, Proof, ProofKind};
use crate::domain::session::challenge::{Challenge, ChallengePurpose, MAX_FAILURES};

/// What a person sends to complete a sign-in with a second factor.
#[derive(Debug, Clone)]
pub struct CompleteMfa {
    /// Names the challenge.
    pub challenge_token: Secret,
    /// The second factor.
    pub proof: Option<PresentedProof>,
}

/// An answer to a challenge that has the form of one.
pub(super) struct Answer {
    pub(super) digest: Digest,
    pub(super) proof: ValidProof,
}

/// A second factor that was wrong, and for the audit trail alone, why.
pub(super) struct FailedFactor<'a> {
    pub(super) challenge: &'a Challenge,
    pub(super) factors: &'a [Factor],
    pub(super) proof: &'a ValidProof,
    pub(super) why: &'static str,
}

impl Answer {
    pub(super) fn parse(token: &Secret, proof: Option<PresentedProof>) -> Result<Self> {
        let mut violations = Violations::default();
        let digest = challenge::read(token, &mut violations);
        let proof = PresentedProof::parse(proof, &mut violations);
        let (digest, proof) = violations.check(digest.zip(proof))?;
        Ok(Self { digest, proof })
    }
}

impl SignIn {
    /// Completes a sign-in with a second factor. Wrong ones count for the challenge, for the factor and for the account, so
    /// that neither a new challenge nor another network starts anew.
    pub async fn complete_mfa(
        &self,
        call: &Call,
        command: CompleteMfa,
        request: &IdempotentCall<IssuedTokens>,
    ) -> Idempotent<IssuedTokens> {
        let answer = Answer::parse(&command.challenge_token, command.proof)?;
        self.idempotency.require_new(call, request).await?;
        let outcome = self.try_complete_mfa(call, &answer, request).await;
        let throttled = Event::anonymous(&call.origin, AuditType::LoginThrottled).with("request", "second_factor");
        self.trail.note_throttling(self.store.as_ref(), outcome, throttled, call.now).await
    }

    async fn try_complete_mfa(
        &self,
        call: &Call,
        answer: &Answer,
        request: &IdempotentCall<IssuedTokens>,
    ) -> Idempotent<IssuedTokens> {
        let purposes = [ChallengePurpose::SecondFactor];
        let challenge = challenge::find(self.store.as_ref(), &answer.digest, &purposes, call.now).await?;
        let checked = self.check_factor(call, &challenge, &answer.proof).await?;

        let (tx, user) = self.take_factor(call, &challenge, &checked).await?;
        let open = self.idempotency.claim(tx, call, request).await?;
        let tx = open.tx.as_ref();
        challenge::consume(tx, &challenge).await?;
        user.may_sign_in(self.policy.unverified_sign_in).map_err(refusal)?;
        let proof = Proof { kind: checked.kind, time: call.now };
        let proven = attempt::resume(&challenge).prove(proof.kind, proof.time).complete(AssuranceLevel::Aal2);
        let proven = proven.ok_or_else(|| Error::Internal("a second factor proves nothing".into()))?;
        let begun = self.sessions.begin(tx, &user, proven, call).await?;
        self.sessions.replace(tx, &begun, call).await?;
        let event = sign_in_candidate::succeeded(&begun.session, challenge.failures_before, &call.origin);
        self.trail.record(tx, event.with("factor_id", checked.id), call.now).await?;
        self.note_recovery(tx, &user, &checked, call).await?;
        let tokens = self.sessions.tokens_of(&begun, call)?;
        open.finish(tokens).await
    }

    /// The second factor that answers a challenge. A wrong one is recorded before it is told.
    pub(super) async fn check_factor(
        &self,
        call: &Call,
        challenge: &Challenge,
        proof: &ValidProof,
    ) -> Result<CheckedFactor> {
        let user_id = holder(challenge)?;
        let limiter = AttemptLimiter::second_factor(&self.throttle_key, user_id, &call.origin.client);
        let factors = {
            let tx = self.store.read().await?;
            limiter.check(tx.as_ref(), call.now).await?;
            tx.factors().list_factors(user_id).await?
        };
        match self.factors.check(call, (&factors, challenge), proof).await? {
            Ok(checked) => Ok(checked),
            Err(why) => {
                let failed = FailedFactor { challenge, factors: &factors, proof, why };
                self.remember_failed_factor(call, failed).await?;
                Err(Refusal::MfaCodeInvalid.into())
            }
        }
    }

    /// Takes a factor that was right, in a transaction that locks its person. If somebody was faster with the same code, it is
    /// wrong.
    pub(super) async fn take_factor(
        &self,
        call: &Call,
        challenge: &Challenge,
        checked: &CheckedFactor,
    ) -> std::result::Result<(Box<dyn Transaction>, User), Exit> {
        let user_id = holder(challenge)?;
        let limiter = AttemptLimiter::second_factor(&self.throttle_key, user_id, &call.origin.client);
        let tx = self.store.write().await?;
        let user = tx.users().lock_user(user_id).await?.ok_or(Refusal::MfaChallengeInvalid)?;
        limiter.succeed(tx.as_ref(), call.now).await?;
        if SecondFactors::take(tx.as_ref(), checked, call.now).await? {
            return Ok((tx, user));
        }
        drop(tx);
        let factors = self.store.read().await?.factors().list_factors(user_id).await?;
        let factors: Vec<_> = factors.into_iter().filter(|factor| factor.id == checked.id).collect();
        let proof = &ValidProof::RecoveryCode(None);
        let failed = FailedFactor { challenge, factors: &factors, proof, why: "CODE_REUSED" };
        self.remember_failed_factor(call, failed).await?;
        Err(Refusal::MfaCodeInvalid.into())
    }

    /// What a wrong second factor leaves behind. The person is told once a challenge is used up: somebody else may have the
    /// password.
    async fn remember_failed_factor(&self, call: &Call, failed: FailedFactor<'_>) -> Result<()> {
        let FailedFactor { challenge, factors, proof, why } = failed;
        let user_id = holder(challenge)?;
        let limiter = AttemptLimiter::second_factor(&self.throttle_key, user_id, &call.origin.client);
        let tx = self.store.write().await?;
        // In the order in which a success takes these locks, and whoever ends sessions.
        tx.users().lock_user(user_id).await?;
        limiter.count(tx.as_ref(), call.now).await?;
        let kind = match proof {
            ValidProof::Totp(_) => Some(FactorKind::Totp),
            ValidProof::RecoveryCode(_) => Some(FactorKind::RecoveryCodes),
            // Nobody guesses a signature: whoever sends wrong ones must not be able to disable the passkey by it.
            ValidProof::Passkey(_) | ValidProof::Password(_) => None,
        };
        let mut event = Event::anonymous(&call.origin, AuditType::SecondFactorFailed);
        for factor in factors.iter().filter(|factor| Some(factor.kind()) == kind && factor.is_usable()) {
            if tx.factors().count_factor_failure(factor.id).await? == HARD_LIMIT {
                event.kind = AuditType::SecondFactorLocked;
            }
        }
        self.trail.record(tx.as_ref(), event.on(user_id).failed(why), call.now).await?;
        if let (ValidProof::Passkey(_), Some(asked)) = (proof, &challenge.webauthn_challenge) {
            tx.challenges().take_webauthn_challenge(&challenge.digest, asked).await?;
        }
        if tx.challenges().count_challenge_failure(&challenge.digest).await? >= MAX_FAILURES {
            tx.challenges().delete_challenge(&challenge.digest).await?;
            self.notify_of_failures(tx.as_ref(), challenge, call).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn notify_of_failures(&self, tx: &dyn Transaction, challenge: &Challenge, call: &Call) -> Result<()> {
        let user = tx.users().find_user(holder(challenge)?).await?.filter(|user| user.email_verified);
        let Some(user) = user.filter(|_| challenge.purpose == ChallengePurpose::SecondFactor) else { return Ok(()) };
        let content = MailContent::SecondFactorFailed { client: call.origin.client.clone(), time: call.now };
        self.post.send_sparingly(tx, &user, content, call.now).await
    }

    /// Tells a person that one of their recovery codes was used, and how many are left.
    pub(super) async fn note_recovery(
        &self,
        tx: &dyn Transaction,
        user: &User,
        checked: &CheckedFactor,
        call: &Call,
    ) -> Result<()> {
        if checked.kind != ProofKind::RecoveryCode || !user.email_verified {
            return Ok(());
        }
        let left = tx.factors().find_factor(user.id, checked.id).await?;
        let remaining = left.map_or(0, |factor| factor.remaining());
        let change = FactorsChange::RecoveryCodeUsed { remaining };
        let content = MailContent::FactorsChanged { change, client: call.origin.client.clone(), time: call.now };
        self.post.send(tx, user, content, call.now).await
    }
}
