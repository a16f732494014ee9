use super::Accounts;
use crate::application::caller::Caller;
use crate::application::error::{Refusal, Result, Violations};
use crate::application::save;
use crate::domain::attributes::Attributes;
use crate::domain::profile::{DisplayName, Locale};
use crate::domain::user::{ProfileChanges, User};
use crate::domain::username::Username;

/// What a person wants to change of the own account; `None` leaves a field as it is, empty text empties it.
#[derive(Debug, Clone, Default)]
pub struct UpdateMe {
    /// The name to show.
    pub display_name: Option<String>,
    /// The username.
    pub username: Option<String>,
    /// The language for mail.
    pub locale: Option<String>,
    /// The attributes as a JSON object.
    pub attributes: Option<String>,
    /// The etag that was read, or empty for any.
    pub etag: String,
}

impl Accounts {
    /// Changes the caller's profile.
    pub async fn update_me(&self, caller: &Caller, command: UpdateMe) -> Result<User> {
        let now = self.clock.now();
        let etag = command.etag.clone();
        let changes = parse(command)?;

        let mut tx = self.store.write().await?;
        let mut user = tx.users().find_user(caller.user_id).await?.ok_or(Refusal::TokenInvalid)?;
        etag::require(&command_etag, &user.etag())?;
        if let Some(Some(username)) = &changes.username {
            let holder = tx.users().find_by_username(username).await?;
            if holder.is_some_and(|holder| holder.id != user.id) {
                return Err(Refusal::UsernameTaken.into());
            }
        }
        user.change_profile(changes, now);
        save::user(tx.as_mut(), &user).await?;
        tx.commit().await?;
        Ok(user)
    }
}

fn parse(command: UpdateMe) -> Result<ProfileChanges> {
    let mut violations = Violations::default();
    let changes = ProfileChanges {
        display_name: command
            .display_name
            .and_then(|text| violations.take("user.display_name", DisplayName::parse(&text))),
        username: command.username.map(|text| violations.take_optional("user.username", &text, Username::parse)),
        locale: command.locale.map(|text| violations.take_optional("user.locale", &text, Locale::parse)),
        attributes: command.attributes.and_then(|json| violations.take("user.attributes", Attributes::new(json))),
    };
    violations.check(Some(changes))
}
