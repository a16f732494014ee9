use super::{Accounts, SessionPage};
use crate::application::caller::Person;
use crate::application::error::Result;
use crate::application::page::PageRequest;
use crate::application::session_list;

impl Accounts {
    /// Lists the caller's live sessions.
    pub async fn list_my_sessions(&self, caller: &Person, page: &PageRequest) -> Result<SessionPage> {
        let now = self.clock.now();
        let mut tx = self.store.read().await?;
        session_list::page(tx.as_mut(), &self.page_tokens, caller.user_id, (page, now)).await
    }
}
