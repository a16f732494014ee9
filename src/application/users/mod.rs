//! The administration of people: the use cases of `UserService`.

mod list_users;

use std::sync::Arc;

pub use list_users::{ListUsers, UserPage};

use super::page::PageTokens;
use super::ports::Store;

/// The use cases of the administration of people.
pub struct Users {
    store: Arc<dyn Store>,
    page_tokens: PageTokens,
}

impl Users {
    /// Takes the ports it needs.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, page_tokens: PageTokens) -> Self {
        Self { store, page_tokens }
    }
}
