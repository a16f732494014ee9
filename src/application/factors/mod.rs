//! Second factors: the person's own, and what support does for people who have lost theirs.

mod begin_passkey;
mod begin_totp;
mod confirm_totp;
mod delete_my_factor;
mod enrolled;
mod finish_passkey;
mod list_factors;
mod operate;
mod recovery_codes;
mod regenerate_recovery_codes;
mod removal;
mod reset_user_factors;
mod stop_factor_reset;
mod update_my_factor;

use std::sync::Arc;

pub use begin_passkey::PasskeyAsked;
pub use begin_totp::TotpStarted;
pub use confirm_totp::ConfirmTotp;
pub use enrolled::EnrolledFactor;
pub use finish_passkey::FinishPasskey;
pub use list_factors::FactorList;
pub use operate::{Removal, Whom};
pub use removal::FactorRemoval;
pub(super) use removal::reset_key;
pub use reset_user_factors::ResetFactors;
pub use update_my_factor::UpdateFactor;

use super::Ports;
use super::audit_trail::AuditTrail;
use super::call::Call;
use super::error::{Refusal, Result};
use super::idempotency::{Exit, Idempotency, IdempotentCall, OpenCall};
use super::jobs::MailPost;
use super::keys::DerivedKeys;
use super::policy::Policy;
use super::ports::{Clock, Entropy, OneTimeCodes, Passkeys, PasswordHasher, Sealer, Store, Transaction};
use super::self_service::SelfService;
use crate::domain::account::user::User;
use crate::domain::audit::AuditType;
use crate::domain::secret::SecretKey;

/// The use cases of second factors.
pub struct Factors {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    hasher: Arc<dyn PasswordHasher>,
    codes: Arc<dyn OneTimeCodes>,
    passkeys: Arc<dyn Passkeys>,
    sealer: Arc<dyn Sealer>,
    removal: FactorRemoval,
    post: MailPost,
    idempotency: Idempotency,
    trail: AuditTrail,
    throttle_key: SecretKey,
    policy: Arc<Policy>,
}

impl Factors {
    /// Takes the ports it needs.
    #[must_use]
    pub fn new(ports: &Ports, policy: Arc<Policy>, derived: &DerivedKeys) -> Self {
        Self {
            store: ports.store.clone(),
            clock: ports.clock.clone(),
            entropy: ports.entropy.clone(),
            hasher: ports.hasher.clone(),
            codes: ports.codes.clone(),
            passkeys: ports.passkeys.clone(),
            sealer: ports.sealer.clone(),
            removal: FactorRemoval::new(ports, &policy, derived),
            post: MailPost::new(ports, &policy, derived),
            idempotency: Idempotency::new(ports, derived),
            trail: AuditTrail::new(ports.entropy.clone()),
            throttle_key: derived.throttles.clone(),
            policy,
        }
    }

    /// Opens the transaction of a change of the caller's factors, which takes from a budget and locks the person. A retry
    /// takes nothing.
    async fn begin<'c, T>(
        &self,
        call: &Call,
        request: &'c IdempotentCall<T>,
    ) -> std::result::Result<(OpenCall<'c, T>, User), Exit> {
        self.idempotency.require_new(call, request).await?;
        let tx = self.charge(call).await?;
        let open = self.idempotency.claim(tx, call, request).await?;
        let user = open.tx.users().lock_user(call.person()?.user_id).await?.ok_or(Refusal::TokenInvalid)?;
        Ok((open, user))
    }

    /// Opens a transaction that has taken from the budget. That it is used up is recorded.
    async fn charge(&self, call: &Call) -> Result<Box<dyn Transaction>> {
        let service = SelfService::FACTORS;
        let tx = self.store.write().await?;
        let taken = service.take(tx.as_ref(), &self.throttle_key, call).await.map(|()| tx);
        let event = call.event(AuditType::RateLimitExceeded).with("request", service.kind);
        self.trail.note_throttling(self.store.as_ref(), taken, event, call.now).await
    }
}

/// There is no such factor.
fn not_found(id: &str) -> Refusal {
    Refusal::NotFound { resource: "Factor", name: id.to_owned() }
}
