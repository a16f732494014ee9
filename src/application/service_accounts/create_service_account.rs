use super::ServiceAccounts;
use crate::application::audit_trail::Event;
use crate::application::caller::Caller;
use crate::application::error::{Refusal, Result, Violations};
use crate::application::idempotency::{Answer, IdempotentCall, Started};
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
        caller: &Caller,
        command: CreateServiceAccount,
        call: &IdempotentCall<ServiceAccount>,
    ) -> Result<Answer<ServiceAccount>> {
        let now = self.clock.now();
        let mut violations = Violations::default();
        let name = violations.take("service_account.name", Name::parse(&command.name));
        let description = violations.take("service_account.description", Description::parse(&command.description));
        let (name, description) = violations.check(name.zip(description))?;
        let id = ServiceAccountId::new(now, &self.entropy.bytes()?);
        let account = ServiceAccount::new(id, name, description, now);

        let mut work = match self.repeats.begin(caller.subject(), call).await? {
            Started::New(work) => work,
            Started::Repeated(answer) => return Ok(Answer::Repeated(answer)),
        };
        let tx = work.tx.as_mut();
        if tx.service_accounts().count_service_accounts().await? >= MAX_SERVICE_ACCOUNTS {
            return Err(Refusal::QuotaExceeded { what: "service accounts, at most 10000" }.into());
        }
        if !tx.service_accounts().insert_service_account(&account).await? {
            return Err(Refusal::NameTaken.into());
        }
        self.trail.record(tx, Event::by(caller, AuditType::ServiceAccountCreated).on(id), now).await?;
        work.finish(call, account).await
    }
}
