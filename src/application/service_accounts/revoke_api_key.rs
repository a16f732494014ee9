use super::ServiceAccounts;
use super::subject::key_not_found;
use crate::application::access::source::Source;
use crate::application::call::Call;
use crate::application::error::Violations;
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::domain::audit::AuditType;
use crate::domain::credential::api_key::ApiKey;
use crate::domain::id::ApiKeyId;

impl ServiceAccounts {
    /// Makes an API key and the tokens it was exchanged for useless at once.
    pub async fn revoke_api_key(&self, call: &Call, id: &str, request: &IdempotentCall<ApiKey>) -> Idempotent<ApiKey> {
        let mut violations = Violations::default();
        let id = violations.take("id", ApiKeyId::parse(id));
        let id = violations.check(id)?;
        let open = self.idempotency.open(call, request).await?;
        let tx = open.tx.as_ref();
        let found = tx.api_keys().find_api_key_with_account(id).await?;
        let (key, account) = found.ok_or_else(|| key_not_found(id))?;
        Source::Transaction(tx).require_power_over(call.caller()?, account.id.into()).await?;
        if tx.api_keys().revoke_api_key(id, call.now).await? {
            let event = call.event(AuditType::ApiKeyRevoked).on(account.id).with("key_id", id);
            self.trail.record(tx, event, call.now).await?;
            self.notify_of_key_change(tx, call).await?;
        }
        let revoke_time = key.revoke_time.or(Some(call.now));
        open.finish(ApiKey { revoke_time, ..key }).await
    }
}
