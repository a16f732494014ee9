//! The signed-in person's own account: the use cases of `AccountService`.

mod change_email;
mod change_password;
mod confirm_email_change;
mod delete_me;
mod export_my_data;
mod get_me;
mod list_my_sessions;
mod revoke_my_other_sessions;
mod revoke_my_session;
mod update_me;

use std::sync::Arc;

pub use change_password::ChangePassword;
pub use export_my_data::{PersonalData, PersonalDataExport};
pub use get_me::Me;
pub use update_me::UpdateMe;

use super::Ports;
use super::audit_trail::AuditTrail;
use super::call::Call;
use super::error::Result;
use super::idempotency::{Exit, Idempotency, IdempotentCall, OpenCall};
use super::jobs::MailPost;
use super::keys::DerivedKeys;
use super::page::PageTokens;
use super::policy::Policy;
use super::ports::{Clock, PasswordHasher, Store, Transaction};
use super::self_service::SelfService;
use super::sign_in::OwnPassword;
use crate::domain::access::permission::Catalogue;
use crate::domain::audit::AuditType;
use crate::domain::secret::SecretKey;

/// The use cases of a person's own account.
pub struct Accounts {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    hasher: Arc<dyn PasswordHasher>,
    own_password: OwnPassword,
    post: MailPost,
    trail: AuditTrail,
    throttle_key: SecretKey,
    page_tokens: PageTokens,
    idempotency: Idempotency,
    policy: Arc<Policy>,
    catalogue: Arc<Catalogue>,
}

impl Accounts {
    /// Takes the ports it needs.
    #[must_use]
    pub fn new(ports: &Ports, policy: Arc<Policy>, catalogue: Arc<Catalogue>, derived: &DerivedKeys) -> Self {
        let throttle_key = derived.throttles.clone();
        Self {
            store: ports.store.clone(),
            clock: ports.clock.clone(),
            hasher: ports.hasher.clone(),
            own_password: OwnPassword::new(ports, derived),
            post: MailPost::new(ports, &policy, derived),
            trail: AuditTrail::new(ports.entropy.clone()),
            throttle_key,
            page_tokens: PageTokens::new(derived.page_tokens.clone()),
            idempotency: Idempotency::new(ports, derived),
            policy,
            catalogue,
        }
    }

    /// Opens the transaction of something that takes from a budget, which a duplicate does not.
    async fn begin<'c, T>(
        &self,
        call: &Call,
        service: SelfService,
        request: &'c IdempotentCall<T>,
    ) -> std::result::Result<OpenCall<'c, T>, Exit> {
        self.idempotency.require_new(call, request).await?;
        let tx = self.charge(call, service).await?;
        self.idempotency.claim(tx, call, request).await
    }

    /// Opens a transaction that has taken from a budget. That one is used up is recorded.
    async fn charge(&self, call: &Call, service: SelfService) -> Result<Box<dyn Transaction>> {
        let tx = self.store.write().await?;
        let taken = service.take(tx.as_ref(), &self.throttle_key, call).await.map(|()| tx);
        let event = call.event(AuditType::RateLimitExceeded).with("request", service.kind);
        self.trail.note_throttling(self.store.as_ref(), taken, event, call.now).await
    }
}
