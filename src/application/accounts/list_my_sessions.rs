use super::Accounts;
use crate::application::call::Call;
use crate::application::error::Result;
use crate::application::page::{Page, PageRequest};
use crate::application::sessions::session_list;
use crate::domain::session::Session;

impl Accounts {
    /// Lists the caller's live sessions.
    pub async fn list_my_sessions(&self, call: &Call, page: &PageRequest) -> Result<Page<Session>> {
        let tx = self.store.read().await?;
        session_list::page(tx.as_ref(), &self.page_tokens, (call.person()?.user_id, call.now), page).await
    }
}
