use super::enrolled::{EnrolledFactor, NewFactor};
use super::{Factors, not_found};
use crate::application::call::Call;
use crate::application::error::{Refusal, Result, Violations};
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::ports::{MAX_CODE_BYTES, SealedPlace};
use crate::domain::credential::factor::{ENROLMENT_ATTEMPTS, Enrolment, EnrolmentMethod, FactorMethod};
use crate::domain::id::FactorId;
use crate::domain::secret::Secret;
use crate::domain::text;

/// What a person sends to complete the enrolment of an authenticator app.
#[derive(Debug, Clone)]
pub struct ConfirmTotp {
    /// The factor that is being enrolled.
    pub factor_id: String,
    /// A code of the app.
    pub code: Secret,
}

impl Factors {
    /// Completes the enrolment of an authenticator app with one of its codes, which counts as used.
    pub async fn confirm_totp(
        &self,
        call: &Call,
        command: ConfirmTotp,
        request: &IdempotentCall<EnrolledFactor>,
    ) -> Idempotent<EnrolledFactor> {
        let mut violations = Violations::default();
        let id = violations.take("factor_id", FactorId::parse(&command.factor_id));
        let code = violations.take("code", text::required(command.code.expose(), MAX_CODE_BYTES));
        let (id, code) = violations.check(id.zip(code))?;
        self.idempotency.require_new(call, request).await?;
        let enrolment = self.find_enrolment(call, id).await?;
        let EnrolmentMethod::Totp { sealed_secret } = &enrolment.method else {
            return Err(not_found(&command.factor_id).into());
        };
        let seed = self.sealer.open(&SealedPlace::Enrolment(id), sealed_secret)?;
        let Some(step) = self.codes.matched_step(&seed, code, call.now) else {
            self.remember_wrong_code(&enrolment).await?;
            return Err(Refusal::MfaCodeInvalid.into());
        };
        let codes = self.codes_of_first_factor(call).await?;
        let (open, user) = self.begin(call, request).await?;
        let tx = open.tx.as_ref();
        if !tx.factors().delete_enrolment(user.id, id).await? {
            return Err(not_found(&command.factor_id).into());
        }
        let sealed_secret = self.sealer.seal(&SealedPlace::Factor(id), &seed)?;
        let method = FactorMethod::Totp { sealed_secret, last_step: Some(step) };
        let new = NewFactor { enrolment, method, codes };
        let enrolled = self.enrol(tx, user, new, call).await?;
        open.finish(enrolled).await
    }

    /// An enrolment that the caller's session began and may still complete.
    pub(super) async fn find_enrolment(&self, call: &Call, id: FactorId) -> Result<Enrolment> {
        let person = call.person()?;
        let enrolments = self.store.read().await?.factors().list_enrolments(person.user_id, call.now).await?;
        let is_it = |enrolment: &Enrolment| enrolment.id == id && enrolment.session_id == person.session_id;
        Ok(enrolments.into_iter().find(is_it).ok_or_else(|| not_found(&id.to_string()))?)
    }

    async fn remember_wrong_code(&self, enrolment: &Enrolment) -> Result<()> {
        let tx = self.store.write().await?;
        if tx.factors().count_enrolment_failure(enrolment.id).await? >= ENROLMENT_ATTEMPTS {
            tx.factors().delete_enrolment(enrolment.user_id, enrolment.id).await?;
        }
        Ok(tx.commit().await?)
    }
}
