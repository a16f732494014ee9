//! Service accounts and their API keys: the use cases of `ServiceAccountService`, and `ExchangeApiKey`.

mod create_api_key;
mod create_service_account;
mod delete_service_account;
mod exchange_api_key;
mod get_service_account;
mod key_uses;
mod list_api_keys;
mod list_service_accounts;
mod revoke_api_key;
mod set_disabled;
mod subject;
mod update_service_account;

use std::sync::Arc;

pub use create_api_key::{CreateApiKey, NewApiKey};
pub use create_service_account::CreateServiceAccount;
pub use delete_service_account::DeleteServiceAccount;
pub use exchange_api_key::{ExchangeApiKey, ExchangedToken};
pub use list_api_keys::ListApiKeys;
pub use update_service_account::UpdateServiceAccount;

use super::Ports;
use super::audit_trail::AuditTrail;
use super::idempotency::Idempotency;
use super::keys::DerivedKeys;
use super::page::PageTokens;
use super::policy::Policy;
use super::ports::{AccessTokens, Entropy, Store};
use key_uses::KeyUses;

/// The use cases of service accounts. Whoever may call which is decided before; here, nobody acts on an account that may
/// do more than they.
pub struct ServiceAccounts {
    store: Arc<dyn Store>,
    entropy: Arc<dyn Entropy>,
    tokens: Arc<dyn AccessTokens>,
    idempotency: Idempotency,
    trail: AuditTrail,
    page_tokens: PageTokens,
    policy: Arc<Policy>,
    uses: KeyUses,
}

impl ServiceAccounts {
    /// Takes the ports it needs.
    #[must_use]
    pub fn new(ports: &Ports, policy: Arc<Policy>, derived: &DerivedKeys) -> Self {
        Self {
            store: ports.store.clone(),
            entropy: ports.entropy.clone(),
            tokens: ports.tokens.clone(),
            idempotency: Idempotency::new(ports, derived),
            trail: AuditTrail::new(ports.entropy.clone()),
            page_tokens: PageTokens::new(derived.page_tokens.clone()),
            policy,
            uses: KeyUses::default(),
        }
    }
}
