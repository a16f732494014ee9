use super::ServiceAccounts;
use crate::application::access::source::Source;
use crate::application::call::Call;
use crate::application::error::{Refusal, Result, Violations};
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::domain::Timestamp;
use crate::domain::access::permission::Rights;
use crate::domain::account::profile::DisplayName;
use crate::domain::audit::AuditType;
use crate::domain::credential::api_key;
use crate::domain::credential::api_key::{ApiKey, MAX_LIVE_PER_ACCOUNT};
use crate::domain::credential::api_key_secret::ApiKeySecret;
use crate::domain::id::{ApiKeyId, ServiceAccountId};

/// A new API key.
#[derive(Debug, Clone, Default)]
pub struct CreateApiKey {
    /// Whose key it is to be.
    pub service_account_id: String,
    /// The operator's name for it.
    pub display_name: String,
    /// What to limit it to; nothing for no limit.
    pub scopes: Vec<String>,
    /// When it is to expire, or nothing for the usual time.
    pub expire_time: Option<Timestamp>,
}

/// An API key that was just made, with its secret, which is nowhere else.
#[derive(Debug)]
pub struct NewApiKey {
    /// The key.
    pub key: ApiKey,
    /// Its secret.
    pub secret: ApiKeySecret,
}

/// A command whose parts were read.
struct ValidApiKey {
    account_id: ServiceAccountId,
    display_name: DisplayName,
    scope: Option<Rights>,
    expire_time: Timestamp,
}

impl ServiceAccounts {
    /// Makes an API key that is limited to no more than its account may do now.
    pub async fn create_api_key(
        &self,
        call: &Call,
        command: CreateApiKey,
        request: &IdempotentCall<NewApiKey>,
    ) -> Idempotent<NewApiKey> {
        let valid = parse(&command, call.now)?;
        let secret = ApiKeySecret::new(ApiKeyId::new(call.now, &self.entropy.bytes()?), self.entropy.bytes()?);
        let (open, account) = self.begin_on(call, valid.account_id, request).await?;
        let tx = open.tx.as_ref();
        let held = Source::Transaction(tx).held_by(account.id.into()).await?;
        if let Some(pattern) = valid.scope.as_ref().and_then(|scope| held.rights.missing(scope)) {
            return Err(Refusal::PermissionMissing { permission: pattern.as_str().to_owned() }.into());
        }
        if tx.api_keys().count_live_api_keys(account.id, call.now).await? >= i64::from(MAX_LIVE_PER_ACCOUNT) {
            return Err(Refusal::QuotaExceeded { what: "API keys of one account", limit: MAX_LIVE_PER_ACCOUNT }.into());
        }
        let key = valid.into_key(&secret, call.now);
        tx.api_keys().insert_api_key(&key).await?;
        let event = call.event(AuditType::ApiKeyCreated).on(account.id).with("key_id", key.id);
        self.trail.record(tx, event, call.now).await?;
        self.notify_of_key_change(tx, call).await?;
        open.finish(NewApiKey { key, secret }).await
    }
}

impl ValidApiKey {
    fn into_key(self, secret: &ApiKeySecret, now: Timestamp) -> ApiKey {
        ApiKey {
            id: secret.id(),
            account_id: self.account_id,
            display_name: self.display_name,
            digest: secret.digest(),
            scope: self.scope,
            create_time: now,
            expire_time: self.expire_time,
            last_used_time: None,
            revoke_time: None,
        }
    }
}

fn parse(command: &CreateApiKey, now: Timestamp) -> Result<ValidApiKey> {
    let mut violations = Violations::default();
    let account_id = violations.take("service_account_id", ServiceAccountId::parse(&command.service_account_id));
    let display_name = violations.take("display_name", DisplayName::parse(&command.display_name));
    let scope = violations.take("scopes", api_key::parse_scopes(&command.scopes));
    let expire_time = violations.take("expire_time", api_key::expiry(command.expire_time, now));
    let parts = account_id.zip(display_name).zip(scope.zip(expire_time));
    violations.check(parts.map(|((account_id, display_name), (scope, expire_time))| ValidApiKey {
        account_id,
        display_name,
        scope,
        expire_time,
    }))
}
