use super::Users;
use super::subject::find;
use crate::application::error::{Result, Violations};
use crate::domain::account::user::User;
use crate::domain::id::UserId;

impl Users {
    /// Tells a person's account, a deleted one included.
    pub async fn get_user(&self, id: &str) -> Result<User> {
        let mut violations = Violations::default();
        let id = violations.take("id", UserId::parse(id));
        let id = violations.check(id)?;
        find(self.store.read().await?.as_ref(), id).await
    }
}
