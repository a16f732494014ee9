//! Checks second factors: first outside of any transaction, as it may take a hash, then by taking what was presented.

use std::sync::Arc;

use crate::application::Ports;
use crate::application::call::Call;
use crate::application::error::{Error, Refusal, Result, Violations};
use crate::application::ports::{
    AssertionCeremony, MAX_CODE_BYTES, MAX_CREDENTIAL_BYTES, OneTimeCodes, PasskeyUse, Passkeys, PasswordHasher,
    SealedPlace, Sealer, Store, Transaction,
};
use crate::domain::Timestamp;
use crate::domain::credential::factor::{Factor, FactorKind, FactorMethod};
use crate::domain::credential::passkey::UserVerification;
use crate::domain::credential::password::{self, Password, PasswordHash};
use crate::domain::credential::recovery_code::{self, RecoveryCode};
use crate::domain::id::FactorId;
use crate::domain::secret::Secret;
use crate::domain::session::authentication::ProofKind;
use crate::domain::session::challenge::Challenge;
use crate::domain::text;

/// What somebody presents as the next proof.
#[derive(Debug, Clone)]
pub enum PresentedProof {
    /// The password.
    Password(Secret),
    /// A code of an authenticator app.
    Totp(Secret),
    /// A recovery code.
    RecoveryCode(Secret),
    /// The answer of an authenticator, as JSON.
    Passkey(Secret),
}

/// A proof that has the form of one.
pub(super) enum ValidProof {
    Password(Password),
    Totp(Secret),
    /// None if it has not the form of a recovery code: it is as wrong as any other.
    RecoveryCode(Option<RecoveryCode>),
    Passkey(Secret),
}

impl PresentedProof {
    /// Reads the proof, which is missing if it is nothing.
    pub(super) fn parse(presented: Option<Self>, violations: &mut Violations) -> Option<ValidProof> {
        let presented = violations.take("proof", presented.ok_or("is required"))?;
        match presented {
            Self::Password(text) => {
                let text = violations.take("password", text::required(text.expose(), password::MAX_BYTES))?;
                violations.take("password", Password::presented(text)).map(ValidProof::Password)
            }
            Self::Totp(code) => {
                violations.take("totp_code", text::required(code.expose(), MAX_CODE_BYTES))?;
                Some(ValidProof::Totp(code))
            }
            Self::RecoveryCode(code) => {
                let text = violations.take("recovery_code", text::required(code.expose(), recovery_code::MAX_BYTES))?;
                Some(ValidProof::RecoveryCode(RecoveryCode::parse(text)))
            }
            Self::Passkey(json) => {
                let field = "passkey_credential_json";
                violations.take(field, text::required(json.expose(), MAX_CREDENTIAL_BYTES))?;
                Some(ValidProof::Passkey(json))
            }
        }
    }
}

/// A second factor that was right when it was looked at.
pub(in crate::application) struct CheckedFactor {
    pub(super) id: FactorId,
    pub(super) kind: ProofKind,
    by: TakenBy,
}

/// What must still be there for the factor to count.
enum TakenBy {
    Step(i64),
    RecoveryCode(PasswordHash),
    Assertion(PasskeyUse),
}

/// Checks second factors.
pub(super) struct SecondFactors {
    store: Arc<dyn Store>,
    hasher: Arc<dyn PasswordHasher>,
    codes: Arc<dyn OneTimeCodes>,
    passkeys: Arc<dyn Passkeys>,
    sealer: Arc<dyn Sealer>,
}

impl SecondFactors {
    pub(super) fn new(ports: &Ports) -> Self {
        Self {
            store: ports.store.clone(),
            hasher: ports.hasher.clone(),
            codes: ports.codes.clone(),
            passkeys: ports.passkeys.clone(),
            sealer: ports.sealer.clone(),
        }
    }

    /// The factor, if the proof is right; nothing, and for the audit trail why, if it is not.
    pub(super) async fn check(
        &self,
        call: &Call,
        (factors, challenge): (&[Factor], &Challenge),
        proof: &ValidProof,
    ) -> Result<std::result::Result<CheckedFactor, &'static str>> {
        match proof {
            ValidProof::Totp(code) => self.check_totp(factors, code, call.now),
            ValidProof::RecoveryCode(code) => self.check_recovery_code(factors, code.as_ref()).await,
            ValidProof::Passkey(json) => self.check_passkey((factors, challenge), json),
            ValidProof::Password(_) => Ok(Err("NO_SECOND_FACTOR")),
        }
    }

    fn check_totp(
        &self,
        factors: &[Factor],
        code: &Secret,
        now: Timestamp,
    ) -> Result<std::result::Result<CheckedFactor, &'static str>> {
        for factor in factors.iter().filter(|factor| factor.is_usable()) {
            let FactorMethod::Totp { sealed_secret, last_step } = &factor.method else { continue };
            let seed = self.sealer.open(&SealedPlace::Factor(factor.id), sealed_secret)?;
            let step = self.codes.matched_step(&seed, code.expose(), now);
            if let Some(step) = step {
                if last_step.is_some_and(|last| step <= last) {
                    return Ok(Err("CODE_REUSED"));
                }
                return Ok(Ok(CheckedFactor { id: factor.id, kind: ProofKind::Totp, by: TakenBy::Step(step) }));
            }
        }
        Ok(Err("CODE_WRONG"))
    }

    /// One slow hash finds whichever of the codes it is: all have the same salt.
    async fn check_recovery_code(
        &self,
        factors: &[Factor],
        code: Option<&RecoveryCode>,
    ) -> Result<std::result::Result<CheckedFactor, &'static str>> {
        let set = factors.iter().find(|factor| factor.kind() == FactorKind::RecoveryCodes && factor.is_usable());
        let (Some(set), Some(code)) = (set, code) else { return Ok(Err("CODE_WRONG")) };
        let like = self.store.read().await?.factors().any_recovery_code(set.id).await?;
        let Some(like) = like else { return Ok(Err("CODE_WRONG")) };
        let password = code.to_password().map_err(|error| Error::Internal(Box::new(error)))?;
        let hash = self.hasher.hash_like(&password, &like).await?;
        Ok(Ok(CheckedFactor { id: set.id, kind: ProofKind::RecoveryCode, by: TakenBy::RecoveryCode(hash) }))
    }

    /// The question counts as asked until the challenge is taken, or the failure recorded: one answer is taken for it.
    fn check_passkey(
        &self,
        (factors, challenge): (&[Factor], &Challenge),
        json: &Secret,
    ) -> Result<std::result::Result<CheckedFactor, &'static str>> {
        let asked = challenge.webauthn_challenge.ok_or(Refusal::MfaChallengeInvalid)?;
        let Ok(presented) = self.passkeys.read_assertion(json.expose()) else { return Ok(Err("MALFORMED")) };
        let is_it =
            |factor: &&Factor| factor.passkey().is_some_and(|passkey| passkey.credential_id == presented.credential_id);
        let factor = factors.iter().filter(|factor| factor.is_usable()).find(is_it);
        let stored = factor.and_then(Factor::passkey);
        let ceremony = AssertionCeremony {
            challenge: &asked,
            user_handle: stored.map(|passkey| passkey.user_handle.as_slice()),
            user_verification: UserVerification::Preferred,
        };
        let verified = self.passkeys.verify(&presented, stored, &ceremony);
        Ok(match (factor.zip(stored), verified) {
            (Some((factor, stored)), Ok(verified)) => Ok(CheckedFactor {
                id: factor.id,
                kind: ProofKind::passkey(stored.backup_eligible, verified.user_verified),
                by: TakenBy::Assertion(PasskeyUse {
                    expected_count: stored.sign_count,
                    new_count: verified.sign_count,
                    backed_up: verified.backed_up,
                }),
            }),
            (_, Err(why)) => Err(why.as_str()),
            (None, Ok(_)) => Err("UNKNOWN_CREDENTIAL"),
        })
    }

    /// Takes what was presented, so that it counts once. Whether it was still there to be taken.
    pub(super) async fn take(tx: &dyn Transaction, checked: &CheckedFactor, now: Timestamp) -> Result<bool> {
        let factors = tx.factors();
        Ok(match &checked.by {
            TakenBy::Step(step) => factors.take_totp_step(checked.id, *step, now).await?,
            TakenBy::RecoveryCode(hash) => factors.take_recovery_code(checked.id, hash, now).await?,
            TakenBy::Assertion(use_) => factors.take_assertion(checked.id, *use_, now).await?,
        })
    }
}

impl CheckedFactor {
    /// A passkey that was right when it was looked at.
    pub(super) const fn passkey(id: FactorId, kind: ProofKind, use_: PasskeyUse) -> Self {
        Self { id, kind, by: TakenBy::Assertion(use_) }
    }
}
