use std::collections::BTreeSet;

use futures_util::future::try_join;

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
        let tx = self.store.read().await?;
        let person = call.person()?;
        let find = tx.sessions().find_session_with_user(person.session_id);
        let (found, roles) = try_join(find, tx.roles().roles_of(person.user_id.into())).await?;
        let (session, user) = found.ok_or(Refusal::TokenInvalid)?;
        let permissions = self.catalogue.spell_out(&Role::rights(&roles));
        Ok(Me { user, roles, permissions, session })
    }
}
