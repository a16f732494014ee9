use super::Accounts;
use crate::application::access::last_administrator;
use crate::application::call::Call;
use crate::application::error::Violations;
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::user_changes;
use crate::domain::audit::AuditType;
use crate::domain::credential::password::Password;
use crate::domain::secret::Secret;

impl Accounts {
    /// Deletes the caller's account. Every session ends at once; the data is erased after the retention time.
    pub async fn delete_me(&self, call: &Call, password: &Secret, request: &IdempotentCall<()>) -> Idempotent<()> {
        let mut violations = Violations::default();
        let password = violations.take("password", Password::presented(password.expose()));
        let password = violations.check(password)?;
        let proof = self.own_password.check(call, &password, AuditType::UserDeleted, request).await?;

        let open = self.idempotency.open(call, request).await?;
        let tx = open.tx.as_ref();
        let mut user = proof.confirm(tx, call).await?;
        last_administrator::keep(tx, &user).await?;
        user.delete(self.policy.deleted_retention, call.now)?;
        user_changes::closed(tx, &user, call.now).await?;
        user_changes::tell_of_deletion(tx, &self.post, &user, call.now).await?;
        let event = call.event(AuditType::UserDeleted).on(user.id);
        self.trail.record(tx, event, call.now).await?;
        open.finish(()).await
    }
}
