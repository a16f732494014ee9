use super::ServiceAccounts;
use super::subject::key_not_found;
use crate::application::access::rights;
use crate::application::audit_trail::Event;
use crate::application::caller::Caller;
use crate::application::error::{Result, Violations};
use crate::application::idempotency::{Answer, IdempotentCall, Started};
use crate::domain::audit::AuditType;
use crate::domain::credential::api_key::ApiKey;
use crate::domain::id::ApiKeyId;

impl ServiceAccounts {
    /// Makes an API key and the tokens it was exchanged for useless at once.
    pub async fn revoke_api_key(
        &self,
        caller: &Caller,
        id: &str,
        call: &IdempotentCall<ApiKey>,
    ) -> Result<Answer<ApiKey>> {
        let now = self.clock.now();
        let mut violations = Violations::default();
        let id = violations.take("id", ApiKeyId::parse(id));
        let id = violations.check(id)?;
        let mut work = match self.repeats.begin(caller.subject(), call).await? {
            Started::New(work) => work,
            Started::Repeated(answer) => return Ok(Answer::Repeated(answer)),
        };
        let tx = work.tx.as_mut();
        let found = tx.api_keys().find_api_key_with_account(id).await?;
        let (key, account) = found.ok_or_else(|| key_not_found(id))?;
        rights::require_power_over(tx, caller, account.id.into()).await?;
        if tx.api_keys().revoke_api_key(id, now).await? {
            let event = Event::by(caller, AuditType::ApiKeyRevoked).on(account.id).with("key_id", id);
            self.trail.record(tx, event, now).await?;
        }
        let revoke_time = key.revoke_time.or(Some(now));
        work.finish(call, ApiKey { revoke_time, ..key }).await
    }
}
