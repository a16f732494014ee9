//! Service accounts: programs as callers.

use crate::domain::Timestamp;
use crate::domain::id::ServiceAccountId;
use crate::domain::name::{Description, Name};

/// How many service accounts there may be.
pub const MAX_SERVICE_ACCOUNTS: u32 = 10_000;

/// A program that is a client of other services, or of Ipse itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Names the account for ever.
    pub id: ServiceAccountId,
    /// What it is called; unique among service accounts.
    pub name: Name,
    /// What it is for.
    pub description: Description,
    /// Whether its keys and tokens are of no use for the time being.
    pub disabled: bool,
    /// When it was made.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
    /// Grows by one with each change: the basis of the etag.
    pub revision: i64,
}

impl ServiceAccount {
    /// A new account, which may do nothing yet.
    #[must_use]
    pub fn new(id: ServiceAccountId, name: Name, description: Description, now: Timestamp) -> Self {
        Self { id, name, description, disabled: false, create_time: now, update_time: now, revision: 1 }
    }

    /// Changes what an operator may say of an account. Fields without a new value stay as they are.
    pub fn change(&mut self, name: Option<Name>, description: Option<Description>, now: Timestamp) {
        self.name = name.unwrap_or_else(|| self.name.clone());
        self.description = description.unwrap_or_else(|| self.description.clone());
        self.touch(now);
    }

    /// Disables the account or enables it again. Whether that changed anything.
    pub fn set_disabled(&mut self, disabled: bool, now: Timestamp) -> bool {
        let changes = self.disabled != disabled;
        if changes {
            self.disabled = disabled;
            self.touch(now);
        }
        changes
    }

    /// The entity tag (AIP-154), in quotes.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.revision)
    }

    const fn touch(&mut self, now: Timestamp) {
        self.update_time = now;
        self.revision += 1;
    }
}
