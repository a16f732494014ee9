use super::Accounts;
use super::own_password::confirm_own;
use crate::application::access::rights;
use crate::application::audit_trail::Event;
use crate::application::caller::Person;
use crate::application::error::{Result, Violations};
use crate::application::user_changes;
use crate::domain::audit::AuditType;
use crate::domain::credential::password::Password;

impl Accounts {
    /// Deletes the caller's account. Every session ends at once; the data is erased after the retention time.
    pub async fn delete_me(&self, caller: &Person, password: &str) -> Result<()> {
        let now = self.clock.now();
        let mut violations = Violations::default();
        let password = violations.take("password", Password::presented(password));
        let password = violations.check(password)?;
        let (_, credential) = self.check_own_password(caller, &password, (AuditType::UserDeleted, now)).await?;

        let mut tx = self.store.write().await?;
        let mut user = confirm_own(tx.as_mut(), caller, &credential).await?;
        rights::keep_an_administrator(tx.as_mut(), &user).await?;
        user.delete(self.policy.deleted_retention, now)?;
        user_changes::closed(tx.as_mut(), &user, now).await?;
        let event = Event::by_person(caller.user_id, &caller.origin, AuditType::UserDeleted).on(user.id);
        self.trail.record(tx.as_mut(), event, now).await?;
        tx.commit().await?;
        Ok(())
    }
}
