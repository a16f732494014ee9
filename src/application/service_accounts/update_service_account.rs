use super::ServiceAccounts;
use super::subject::save;
use crate::application::audit_trail::Event;
use crate::application::caller::Caller;
use crate::application::error::{Result, Violations};
use crate::application::etag;
use crate::application::idempotency::{Answer, IdempotentCall, Started};
use crate::domain::account::service_account::ServiceAccount;
use crate::domain::audit::AuditType;
use crate::domain::id::ServiceAccountId;
use crate::domain::name::{Description, Name};

/// What to change of a service account; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct UpdateServiceAccount {
    /// Which account.
    pub id: String,
    /// What it is called.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The etag that was read, or empty for any.
    pub etag: String,
}

impl ServiceAccounts {
    /// Changes what an operator says of a service account.
    pub async fn update_service_account(
        &self,
        caller: &Caller,
        command: UpdateServiceAccount,
        call: &IdempotentCall<ServiceAccount>,
    ) -> Result<Answer<ServiceAccount>> {
        let now = self.clock.now();
        let mut violations = Violations::default();
        let id = violations.take("service_account.id", ServiceAccountId::parse(&command.id));
        let etag = violations.take("service_account.etag", etag::read(&command.etag));
        let name = command.name.and_then(|text| violations.take("service_account.name", Name::parse(&text)));
        let description = command.description;
        let description =
            description.and_then(|text| violations.take("service_account.description", Description::parse(&text)));
        let (id, etag) = violations.check(id.zip(etag))?;

        let (mut work, mut account) = match self.begin_on(caller, id, call).await? {
            Started::New(begun) => begun,
            Started::Repeated(answer) => return Ok(Answer::Repeated(answer)),
        };
        let tx = work.tx.as_mut();
        etag::require(etag, &account.etag())?;
        account.change(name, description, now);
        save(tx, &account).await?;
        self.trail.record(tx, Event::by(caller, AuditType::ServiceAccountUpdated).on(id), now).await?;
        work.finish(call, account).await
    }
}
