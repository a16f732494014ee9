//! Changes of what a person may say of the own account, whether the person or an operator makes them.

use super::error::{Result, Violations};
use super::ports::Transaction;
use super::user_changes;
use crate::domain::account::attributes::Attributes;
use crate::domain::account::profile::{DisplayName, Locale};
use crate::domain::account::user::{ProfileChanges, User};
use crate::domain::account::username::Username;

/// New values of the fields of a profile; `None` leaves a field as it is, empty text empties it.
#[derive(Debug, Clone, Default)]
pub struct ProfileTexts {
    /// The name to show.
    pub display_name: Option<String>,
    /// The username.
    pub username: Option<String>,
    /// The language for mail.
    pub locale: Option<String>,
    /// The attributes as a JSON object.
    pub attributes: Option<String>,
}

impl ProfileTexts {
    /// The names of the fields that have new values.
    pub(super) fn named(&self) -> Vec<&'static str> {
        let named = [
            ("display_name", self.display_name.is_some()),
            ("username", self.username.is_some()),
            ("locale", self.locale.is_some()),
            ("attributes", self.attributes.is_some()),
        ];
        named.into_iter().filter_map(|(name, is_named)| is_named.then_some(name)).collect()
    }

    /// Reads the values; fields that are not acceptable are noted and left out.
    pub(super) fn parse(self, violations: &mut Violations) -> ProfileChanges {
        ProfileChanges {
            display_name: self.display_name.and_then(|text| violations.take("display_name", DisplayName::parse(&text))),
            username: self.username.map(|text| violations.take_optional("username", &text, Username::parse)),
            locale: self.locale.map(|text| violations.take_optional("locale", &text, Locale::parse)),
            attributes: self.attributes.and_then(|json| violations.take("attributes", Attributes::new(json))),
        }
    }
}

/// Refuses if the new username is somebody else's.
pub(super) async fn require_free_username(tx: &dyn Transaction, user: &User, changes: &ProfileChanges) -> Result<()> {
    match &changes.username {
        Some(Some(username)) => user_changes::require_free_username(tx, username, user.id).await,
        _ => Ok(()),
    }
}
