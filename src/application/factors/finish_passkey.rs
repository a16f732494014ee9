use super::enrolled::{EnrolledFactor, NewFactor};
use super::{Factors, not_found};
use crate::application::call::Call;
use crate::application::error::{Refusal, Violations};
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::ports::{MAX_CREDENTIAL_BYTES, RegistrationCeremony};
use crate::domain::audit::AuditType;
use crate::domain::credential::factor::{EnrolmentMethod, FactorMethod};
use crate::domain::credential::passkey::UserVerification;
use crate::domain::id::FactorId;
use crate::domain::secret::Secret;
use crate::domain::text;

/// What a person sends to complete the registration of a passkey.
#[derive(Debug, Clone)]
pub struct FinishPasskey {
    /// The factor that is being registered.
    pub factor_id: String,
    /// The authenticator's answer, as JSON.
    pub credential_json: Secret,
}

impl Factors {
    /// Completes the registration of a passkey. The challenge is used up by the first answer, right or wrong.
    pub async fn finish_passkey(
        &self,
        call: &Call,
        command: FinishPasskey,
        request: &IdempotentCall<EnrolledFactor>,
    ) -> Idempotent<EnrolledFactor> {
        let mut violations = Violations::default();
        let id = violations.take("factor_id", FactorId::parse(&command.factor_id));
        let json = text::required(command.credential_json.expose(), MAX_CREDENTIAL_BYTES);
        let json = violations.take("credential_json", json);
        let (id, json) = violations.check(id.zip(json))?;
        self.idempotency.require_new(call, request).await?;
        let enrolment = self.find_enrolment(call, id).await?;
        let EnrolmentMethod::Passkey { challenge, user_handle } = &enrolment.method else {
            return Err(not_found(&command.factor_id).into());
        };
        let tx = self.store.write().await?;
        if !tx.factors().delete_enrolment(enrolment.user_id, id).await? {
            return Err(not_found(&command.factor_id).into());
        }
        tx.commit().await?;
        let user_verification = UserVerification::Preferred;
        let ceremony = RegistrationCeremony { challenge, user_handle, user_verification };
        let passkey = match self.passkeys.register(json, &ceremony) {
            Ok(passkey) => passkey,
            Err(why) => {
                let event = call.event(AuditType::FactorAdded).on(enrolment.user_id).failed(why.as_str());
                self.trail.record_alone(self.store.as_ref(), event, call.now).await?;
                return Err(Refusal::MfaCodeInvalid.into());
            }
        };
        let codes = self.codes_of_first_factor(call).await?;
        let (open, user) = self.begin(call, request).await?;
        let new = NewFactor { enrolment, method: FactorMethod::Passkey(passkey), codes };
        let enrolled = self.enrol(open.tx.as_ref(), user, new, call).await?;
        open.finish(enrolled).await
    }
}
