use super::Accounts;
use super::own_password::confirm_own;
use crate::application::access::last_administrator;
use crate::application::call::Call;
use crate::application::error::{Result, Violations};
use crate::application::user_changes;
use crate::domain::audit::AuditType;
use crate::domain::credential::password::Password;
use crate::domain::secret::Secret;

impl Accounts {
    /// Deletes the caller's account. Every session ends at once; the data is erased after the retention time.
    pub async fn delete_me(&self, call: &Call, password: &Secret) -> Result<()> {
        let mut violations = Violations::default();
        let password = violations.take("password", Password::presented(password.expose()));
        let password = violations.check(password)?;
        let (_, credential) = self.check_own_password(call, &password, AuditType::UserDeleted).await?;

        let mut tx = self.store.write().await?;
        let mut user = confirm_own(tx.as_mut(), call.person()?, &credential).await?;
        last_administrator::keep(tx.as_mut(), &user).await?;
        user.delete(self.policy.deleted_retention, call.now)?;
        user_changes::closed(tx.as_mut(), &user, call.now).await?;
        let event = call.event(AuditType::UserDeleted).on(user.id);
        self.trail.record(tx.as_mut(), event, call.now).await?;
        tx.commit().await?;
        Ok(())
    }
}
