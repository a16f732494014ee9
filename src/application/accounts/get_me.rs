use super::Accounts;
use crate::application::caller::Caller;
use crate::application::error::{Refusal, Result};
use crate::domain::session::Session;
use crate::domain::user::User;

/// What a person sees of the own account.
#[derive(Debug)]
pub struct Me {
    /// The account.
    pub user: User,
    /// The session of the access token.
    pub session: Session,
}

impl Accounts {
    /// Tells the caller's account and session.
    pub async fn get_me(&self, caller: &Caller) -> Result<Me> {
        let found = self.store.read().await?.sessions().find_session_with_user(caller.session_id).await?;
        let (session, user) = found.ok_or(Refusal::TokenInvalid)?;
        Ok(Me { user, session })
    }
}
