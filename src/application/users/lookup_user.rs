use super::Users;
use super::subject::not_found;
use crate::application::error::{Error, Result, Violation, Violations};
use crate::domain::account::email::EmailAddress;
use crate::domain::account::user::User;
use crate::domain::account::username::Username;

/// The name to look somebody up by.
#[derive(Debug, Clone)]
pub enum Lookup {
    /// The e-mail address.
    Email(String),
    /// The username.
    Username(String),
}

impl Users {
    /// Finds a person by a name, which is compared as in a sign-in. Deleted accounts keep their names.
    pub async fn lookup_user(&self, name: Option<Lookup>) -> Result<User> {
        let mut violations = Violations::default();
        match name {
            None => Err(Error::Invalid(vec![Violation::form("email", "or username is required")])),
            Some(Lookup::Email(text)) => {
                let email = violations.take("email", EmailAddress::parse(&text));
                let email = violations.check(email)?;
                let user = self.store.read().await?.users().find_by_email(&email).await?;
                Ok(user.ok_or_else(|| not_found(email.written()))?)
            }
            Some(Lookup::Username(text)) => {
                let username = violations.take("username", Username::parse(&text));
                let username = violations.check(username)?;
                let user = self.store.read().await?.users().find_by_username(&username).await?;
                Ok(user.ok_or_else(|| not_found(username.as_str()))?)
            }
        }
    }
}
