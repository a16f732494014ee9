//! Roles: named sets of permissions that are granted to people and services.

use uuid::Uuid;

use super::permission::{InvalidPatterns, Rights};
use super::subject::Subject;
use crate::domain::Timestamp;
use crate::domain::id::RoleId;
use crate::domain::name::{Description, Name};

/// How many patterns a role may have.
pub const MAX_PERMISSIONS: usize = 100;
/// How many roles there may be.
pub const MAX_ROLES: u32 = 1000;
/// How many roles somebody may have.
pub const MAX_PER_SUBJECT: u32 = 100;

/// The role that may do everything. At least one active person keeps it: a service cannot sign in to put things right.
pub const ADMINISTRATOR: RoleId = RoleId::from_uuid(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001));

/// Reads the permissions of a role; those named twice count once.
pub fn parse_permissions<T: AsRef<str>>(texts: &[T]) -> Result<Rights, InvalidPatterns> {
    Rights::parse(texts, MAX_PERMISSIONS)
}

/// A named set of permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Names the role for ever.
    pub id: RoleId,
    /// What it is called; unique.
    pub name: Name,
    /// What it is for.
    pub description: Description,
    /// What it grants.
    pub permissions: Rights,
    /// Whether who has it must have a second factor.
    pub mfa_required: bool,
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
    pub fn new(id: RoleId, name: Name, permissions: Rights, now: Timestamp) -> Self {
        Self {
            id,
            name,
            description: Description::default(),
            permissions,
            mfa_required: false,
            built_in: false,
            create_time: now,
            update_time: now,
            revision: 1,
        }
    }

    /// Changes what an operator may say of a role. Fields without a new value stay as they are.
    pub fn change(&mut self, changes: RoleChanges, now: Timestamp) {
        let RoleChanges { name, description, permissions, mfa_required } = changes;
        self.name = name.unwrap_or_else(|| self.name.clone());
        self.description = description.unwrap_or_else(|| std::mem::take(&mut self.description));
        self.permissions = permissions.unwrap_or_else(|| std::mem::take(&mut self.permissions));
        self.mfa_required = mfa_required.unwrap_or(self.mfa_required);
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
    pub name: Option<Name>,
    /// What it is for.
    pub description: Option<Description>,
    /// What it grants.
    pub permissions: Option<Rights>,
    /// Whether who has it must have a second factor.
    pub mfa_required: Option<bool>,
}

/// That somebody has a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleGrant {
    /// Which role.
    pub role_id: RoleId,
    /// Who has it.
    pub subject: Subject,
    /// Since when.
    pub create_time: Timestamp,
}
