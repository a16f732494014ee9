use super::subject::find;
use super::{SessionPage, Users};
use crate::application::error::{Result, Violations};
use crate::application::page::PageRequest;
use crate::application::session_list;
use crate::domain::id::UserId;

impl Users {
    /// Lists a person's live sessions.
    pub async fn list_user_sessions(&self, id: &str, page: &PageRequest) -> Result<SessionPage> {
        let now = self.clock.now();
        page.size()?;
        let mut violations = Violations::default();
        let id = violations.take("id", UserId::parse(id));
        let id = violations.check(id)?;

        let mut tx = self.store.read().await?;
        find(tx.as_mut(), id).await?;
        session_list::page(tx.as_mut(), &self.page_tokens, id, (page, now)).await
    }
}
