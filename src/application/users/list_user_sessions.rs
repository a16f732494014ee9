use super::Users;
use super::subject::find;
use crate::application::call::Call;
use crate::application::error::{Result, Violations};
use crate::application::page::{Page, PageRequest};
use crate::application::sessions::session_list;
use crate::domain::id::UserId;
use crate::domain::session::Session;

impl Users {
    /// Lists a person's live sessions.
    pub async fn list_user_sessions(&self, call: &Call, id: &str, page: &PageRequest) -> Result<Page<Session>> {
        page.size()?;
        let mut violations = Violations::default();
        let id = violations.take("id", UserId::parse(id));
        let id = violations.check(id)?;

        let tx = self.store.read().await?;
        find(tx.as_ref(), id).await?;
        session_list::page(tx.as_ref(), &self.page_tokens, (id, call.now), page).await
    }
}
