use super::ServiceAccounts;
use super::subject::store_account;
use crate::application::call::Call;
use crate::application::error::Violations;
use crate::application::etag;
use crate::application::idempotency::{Idempotent, IdempotentCall};
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
        call: &Call,
        command: UpdateServiceAccount,
        request: &IdempotentCall<ServiceAccount>,
    ) -> Idempotent<ServiceAccount> {
        let mut violations = Violations::default();
        let id = violations.take("id", ServiceAccountId::parse(&command.id));
        let etag = violations.take("etag", etag::read(&command.etag));
        let name = command.name.and_then(|text| violations.take("name", Name::parse(&text)));
        let description = command.description;
        let description = description.and_then(|text| violations.take("description", Description::parse(&text)));
        let (id, etag) = violations.check(id.zip(etag))?;

        let (open, mut account) = self.begin_on(call, id, request).await?;
        let tx = open.tx.as_ref();
        etag::require(etag, &account.etag())?;
        account.change(name, description, call.now);
        store_account(tx, &account).await?;
        self.trail.record(tx, call.event(AuditType::ServiceAccountUpdated).on(id), call.now).await?;
        open.finish(account).await
    }
}
