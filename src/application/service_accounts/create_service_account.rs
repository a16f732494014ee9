use super::ServiceAccounts;
use crate::application::call::Call;
use crate::application::error::{Refusal, Violations};
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::domain::account::service_account::{MAX_SERVICE_ACCOUNTS, ServiceAccount};
use crate::domain::audit::AuditType;
use crate::domain::id::ServiceAccountId;
use crate::domain::name::{Description, Name};

/// A new service account.
#[derive(Debug, Clone, Default)]
pub struct CreateServiceAccount {
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub description: String,
}

impl ServiceAccounts {
    /// Makes a service account, which may do nothing yet.
    pub async fn create_service_account(
        &self,
        call: &Call,
        command: CreateServiceAccount,
        request: &IdempotentCall<ServiceAccount>,
    ) -> Idempotent<ServiceAccount> {
        let mut violations = Violations::default();
        let name = violations.take("name", Name::parse(&command.name));
        let description = violations.take("description", Description::parse(&command.description));
        let (name, description) = violations.check(name.zip(description))?;
        let id = ServiceAccountId::new(call.now, &self.entropy.bytes()?);
        let account = ServiceAccount::new(id, name, description, call.now);

        let open = self.idempotency.open(call, request).await?;
        let tx = open.tx.as_ref();
        if tx.service_accounts().count_service_accounts().await? >= i64::from(MAX_SERVICE_ACCOUNTS) {
            return Err(Refusal::QuotaExceeded { what: "service accounts", limit: MAX_SERVICE_ACCOUNTS }.into());
        }
        if !tx.service_accounts().insert_service_account(&account).await? {
            return Err(Refusal::NameTaken.into());
        }
        self.trail.record(tx, call.event(AuditType::ServiceAccountCreated).on(id), call.now).await?;
        open.finish(account).await
    }
}
