use zeroize::Zeroizing;

use super::Factors;
use crate::application::call::Call;
use crate::application::error::{Refusal, Result, Violations};
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::ports::{SEED_BYTES, SealedPlace, TotpEnrolment, Transaction};
use crate::domain::Timestamp;
use crate::domain::credential::factor::{
    ENROLMENT_LIFETIME, Enrolment, EnrolmentMethod, Factor, FactorName, MAX_PER_USER,
};
use crate::domain::id::{FactorId, UserId};

/// An authenticator app that is being enrolled.
#[derive(Debug)]
pub struct TotpStarted {
    /// The id that the factor will have.
    pub id: FactorId,
    /// What the app needs.
    pub enrolment: TotpEnrolment,
    /// Until when the enrolment may be completed.
    pub expire_time: Timestamp,
}

impl Factors {
    /// Begins to enrol an authenticator app of the caller's.
    pub async fn begin_totp(
        &self,
        call: &Call,
        display_name: &str,
        request: &IdempotentCall<TotpStarted>,
    ) -> Idempotent<TotpStarted> {
        let display_name = parse_name(display_name)?;
        let (open, user) = self.begin(call, request).await?;
        let tx = open.tx.as_ref();
        require_room(tx, user.id).await?;
        let id = FactorId::new(call.now, &self.entropy.bytes()?);
        let seed = Zeroizing::new(self.entropy.bytes::<SEED_BYTES>()?);
        let sealed_secret = self.sealer.seal(&SealedPlace::Enrolment(id), seed.as_slice())?;
        let method = EnrolmentMethod::Totp { sealed_secret };
        let expire_time = self.store_enrolment(tx, (id, display_name), method, call).await?;
        let enrolment = self.codes.enrolment(seed.as_slice(), user.email.written())?;
        open.finish(TotpStarted { id, enrolment, expire_time }).await
    }

    /// Stores an enrolment of the caller's. Until when it may be completed.
    pub(super) async fn store_enrolment(
        &self,
        tx: &dyn Transaction,
        (id, display_name): (FactorId, FactorName),
        method: EnrolmentMethod,
        call: &Call,
    ) -> Result<Timestamp> {
        let person = call.person()?;
        let expire_time = call.now + ENROLMENT_LIFETIME;
        let enrolment = Enrolment {
            id,
            user_id: person.user_id,
            session_id: person.session_id,
            display_name,
            method,
            failures: 0,
            create_time: call.now,
            expire_time,
        };
        tx.factors().put_enrolment(&enrolment).await?;
        Ok(expire_time)
    }
}

/// Reads the name that a person gives a factor.
pub(super) fn parse_name(display_name: &str) -> Result<FactorName> {
    let mut violations = Violations::default();
    let name = violations.take("display_name", FactorName::parse(display_name));
    violations.check(name)
}

/// Refuses who has as many factors as anybody may have. The others, otherwise.
pub(super) async fn require_room(tx: &dyn Transaction, user_id: UserId) -> Result<Vec<Factor>> {
    let factors = tx.factors().list_factors(user_id).await?;
    if factors.iter().filter(|factor| factor.is_primary()).count() < MAX_PER_USER {
        return Ok(factors);
    }
    Err(Refusal::QuotaExceeded {
        what: "second factors of a person",
        limit: u32::try_from(MAX_PER_USER).unwrap_or(u32::MAX),
    }
    .into())
}
