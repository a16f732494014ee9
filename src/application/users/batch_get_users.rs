use std::collections::{BTreeMap, BTreeSet};

use super::Users;
use crate::application::error::{Result, Violations};
use crate::domain::account::user::User;
use crate::domain::id::UserId;

/// The most ids of one call.
const MAX_IDS: usize = 1000;

/// Why a list of ids is not acceptable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum InvalidIds {
    /// Too many.
    #[error("must be at most {MAX_IDS}")]
    TooMany,
    /// Something else among them.
    #[error("must be UUIDs in their canonical form of 36 characters")]
    Form,
}

/// What was found for a list of ids, each in the order in which they were first named.
#[derive(Debug, Default)]
pub struct FoundUsers {
    /// The people.
    pub users: Vec<User>,
    /// The ids that nobody has.
    pub missing: Vec<UserId>,
}

impl Users {
    /// Tells the accounts of many people, deleted ones included.
    pub async fn batch_get_users(&self, ids: &[String]) -> Result<FoundUsers> {
        let mut violations = Violations::default();
        let ids = violations.take("ids", parse(ids));
        let ids = violations.check(ids)?;
        let users = self.store.read().await?.users().find_users(&ids).await?;
        let mut users: BTreeMap<UserId, User> = users.into_iter().map(|user| (user.id, user)).collect();
        let mut found = FoundUsers::default();
        for id in ids {
            match users.remove(&id) {
                Some(user) => found.users.push(user),
                None => found.missing.push(id),
            }
        }
        Ok(found)
    }
}

/// Reads the ids; one that is named twice counts once.
fn parse(texts: &[String]) -> std::result::Result<Vec<UserId>, InvalidIds> {
    if texts.len() > MAX_IDS {
        return Err(InvalidIds::TooMany);
    }
    let mut seen = BTreeSet::new();
    let mut ids = Vec::with_capacity(texts.len());
    for text in texts {
        let id = UserId::parse(text).map_err(|_| InvalidIds::Form)?;
        if seen.insert(id) {
            ids.push(id);
        }
    }
    Ok(ids)
}
