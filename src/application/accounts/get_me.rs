use std::collections::BTreeSet;

use super::Accounts;
use crate::application::call::Call;
use crate::application::error::{Refusal, Result};
use crate::domain::access::role::Role;
use crate::domain::account::user::User;
use crate::domain::session::Session;

/// What a person sees of the own account.
#[derive(Debug)]
pub struct Me {
    /// The account.
    pub user: User,
    /// The roles, in the order of their names.
    pub roles: Vec<Role>,
    /// What they grant: the patterns, and those of Ipse's own permissions that they cover.
    pub permissions: BTreeSet<String>,
    /// The session of the access token.
    pub session: Session,
}

impl Accounts {
    /// Tells the caller's account and session.
    pub async fn get_me(&self, call: &Call) -> Result<Me> {
        let mut tx = self.store.read().await?;
        let found = tx.sessions().find_session_with_user(call.person()?.session_id).await?;
        let (session, user) = found.ok_or(Refusal::TokenInvalid)?;
        let roles = tx.roles().roles_of(user.id.into()).await?;
        let permissions = self.catalogue.spell_out(&Role::rights(&roles));
        Ok(Me { user, roles, permissions, session })
    }
}
