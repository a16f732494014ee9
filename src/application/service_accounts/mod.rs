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
use super::call::Call;
use super::error::Result;
use super::idempotency::Idempotency;
use super::jobs::MailPost;
use super::keys::DerivedKeys;
use super::page::PageTokens;
use super::policy::Policy;
use super::ports::{AccessTokens, Entropy, Store, Transaction};
use key_uses::KeyUses;

use crate::domain::mail::MailContent;
use crate::domain::secret::SecretKey;

/// The use cases of service accounts. Whoever may call which is decided before; here, nobody acts on an account that may
/// do more than they.
pub struct ServiceAccounts {
    store: Arc<dyn Store>,
    entropy: Arc<dyn Entropy>,
    tokens: Arc<dyn AccessTokens>,
    idempotency: Idempotency,
    post: MailPost,
    throttle_key: SecretKey,
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
            post: MailPost::new(ports, &policy, derived),
            throttle_key: derived.throttles.clone(),
            trail: AuditTrail::new(ports.entropy.clone()),
            page_tokens: PageTokens::new(derived.page_tokens.clone()),
            policy,
            uses: KeyUses::default(),
        }
    }

    /// Notifies the person who made or revoked a key that it was done with their account; services have no mail. An
    /// address that is not proven gets nothing: the mail holds the name that the caller's program gives itself.
    async fn notify_of_key_change(&self, tx: &dyn Transaction, call: &Call) -> Result<()> {
        let Some(person) = call.caller()?.person() else { return Ok(()) };
        if let Some(user) = tx.users().find_user(person.user_id).await?.filter(|user| user.email_verified) {
            let content = MailContent::ApiKeyChanged { client: call.origin.client.clone(), time: call.now };
            self.post.send(tx, &user, content, call.now).await?;
        }
        Ok(())
    }
}
