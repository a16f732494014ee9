use super::Roles;
use crate::application::error::Result;
use crate::application::page::{Page, PageRequest};
use crate::domain::access::role::Role;
use crate::domain::name::Name;

impl Roles {
    /// Lists roles.
    pub async fn list_roles(&self, page: &PageRequest) -> Result<Page<Role>> {
        let page = self.page_tokens.open("roles", page, Name::from_bytes)?;
        let roles = self.store.read().await?.roles().list_roles(page.after.as_ref(), page.limit()).await?;
        Ok(page.finish(roles, |last| last.name.as_str().as_bytes().to_vec()))
    }
}
