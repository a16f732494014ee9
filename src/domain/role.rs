//! Roles: named sets of permissions that are granted to people.

use uuid::Uuid;

use super::Timestamp;
use super::id::{RoleId, UserId};
use super::permission::{InvalidPattern, Pattern, Rights};
use super::text::{self, InvalidText};

/// How many patterns a role may have.
pub const MAX_PERMISSIONS: usize = 100;
/// How many roles there may be.
pub const MAX_ROLES: i64 = 1000;
/// How many roles somebody may have.
pub const MAX_PER_USER: usize = 100;

/// The role that may do everything. At least one active account keeps it.
pub const ADMINISTRATOR: RoleId = RoleId::from_uuid(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001));

/// The text is not the name of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 64 characters of a-z, 0-9, dot, underscore and hyphen, and begin with a letter")]
pub struct InvalidRoleName;

/// What a role is called: a word for people and for the claim `roles`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleName(String);

impl RoleName {
    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, InvalidRoleName> {
        let is_allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
        let begins_well = text.starts_with(|c: char| c.is_ascii_lowercase());
        if begins_well && text.len() <= 64 && text.bytes().all(is_allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidRoleName)
        }
    }

    /// The name as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a role is for: one line of at most 256 code points, perhaps empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Description(String);

impl Description {
    /// Reads a description.
    pub fn parse(input: &str) -> Result<Self, InvalidText> {
        text::line(input, 256).map(|text| Self(text.to_owned()))
    }

    /// The description as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why permissions cannot be those of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPermissions {
    /// More than a role may have.
    #[error("must be at most {MAX_PERMISSIONS}")]
    TooMany,
    /// One of them has the wrong form.
    #[error(transparent)]
    Pattern(#[from] InvalidPattern),
}

/// Reads the permissions of a role; those named twice count once.
pub fn parse_permissions<T: AsRef<str>>(texts: &[T]) -> Result<Rights, InvalidPermissions> {
    if texts.len() > MAX_PERMISSIONS {
        return Err(InvalidPermissions::TooMany);
    }
    Ok(texts.iter().map(|text| Pattern::parse(text.as_ref())).collect::<Result<_, _>>()?)
}

/// A named set of permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Names the role for ever.
    pub id: RoleId,
    /// What it is called; unique.
    pub name: RoleName,
    /// What it is for.
    pub description: Description,
    /// What it grants.
    pub permissions: Rights,
    /// Whether it comes with Ipse and cannot be changed.
    pub built_in: bool,
    /// When it was made.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
    /// Grows by one with each change: the basis of the etag.
    pub revision: i64,
}

impl Role {
    /// A new role of an operator's own.
    #[must_use]
    pub fn new(id: RoleId, name: RoleName, permissions: Rights, now: Timestamp) -> Self {
        Self {
            id,
            name,
            description: Description::default(),
            permissions,
            built_in: false,
            create_time: now,
            update_time: now,
            revision: 1,
        }
    }

    /// Changes what an operator may say of a role. Fields without a new value stay as they are.
    pub fn change(&mut self, changes: RoleChanges, now: Timestamp) {
        let RoleChanges { name, description, permissions } = changes;
        self.name = name.unwrap_or_else(|| self.name.clone());
        self.description = description.unwrap_or_else(|| std::mem::take(&mut self.description));
        self.permissions = permissions.unwrap_or_else(|| std::mem::take(&mut self.permissions));
        self.update_time = now;
        self.revision += 1;
    }

    /// What somebody with these roles may do.
    #[must_use]
    pub fn rights(roles: &[Self]) -> Rights {
        roles.iter().flat_map(|role| role.permissions.patterns().cloned()).collect()
    }

    /// The entity tag (AIP-154), in quotes.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.revision)
    }
}

/// New values for what an operator may say of a role; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct RoleChanges {
    /// What it is called.
    pub name: Option<RoleName>,
    /// What it is for.
    pub description: Option<Description>,
    /// What it grants.
    pub permissions: Option<Rights>,
}

/// That somebody has a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleGrant {
    /// Which role.
    pub role_id: RoleId,
    /// Who has it.
    pub user_id: UserId,
    /// Since when.
    pub create_time: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_word_of_64_characters() {
        for name in ["a", "support", "order-desk_2.eu", &"a".repeat(64)] {
            assert!(RoleName::parse(name).is_ok(), "{name}");
        }
        for name in ["", "2a", "-a", "Support", "a b", "ä", "a\0", &"a".repeat(65)] {
            assert_eq!(RoleName::parse(name), Err(InvalidRoleName), "{name:?}");
        }
    }

    #[test]
    fn permissions_have_a_maximum_and_a_form() {
        let many: Vec<String> = (0..101).map(|number| format!("a.b{number}")).collect();
        assert_eq!(parse_permissions(&many), Err(InvalidPermissions::TooMany));
        assert_eq!(parse_permissions(&many[1..]).unwrap().patterns().len(), 100);
        assert_eq!(parse_permissions(&["a.b", "a.b"]).unwrap().patterns().len(), 1);
        assert_eq!(parse_permissions(&["a.b", "a"]), Err(InvalidPermissions::Pattern(InvalidPattern)));
    }
}
