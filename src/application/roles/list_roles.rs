use super::Roles;
use crate::application::error::{Refusal, Result};
use crate::application::page::PageRequest;
use crate::domain::access::role::Role;
use crate::domain::name::Name;

/// A page of roles in the order of their names.
#[derive(Debug)]
pub struct RolePage {
    /// The roles.
    pub roles: Vec<Role>,
    /// The token of the next page, or empty.
    pub next_page_token: String,
}

impl Roles {
    /// Lists roles.
    pub async fn list_roles(&self, page: &PageRequest) -> Result<RolePage> {
        let size = page.size()?;
        let after = match self.page_tokens.decode("roles", &page.token)? {
            Some(bytes) => Some(read_position(&bytes).ok_or(Refusal::PageTokenInvalid)?),
            None => None,
        };
        let roles = self.store.read().await?.roles().list_roles(after.as_ref(), size + 1).await?;
        let (roles, next_page_token) =
            self.page_tokens.cut(roles, size, "roles", |role| role.name.as_str().as_bytes().to_vec());
        Ok(RolePage { roles, next_page_token })
    }
}

fn read_position(bytes: &[u8]) -> Option<Name> {
    Name::parse(std::str::from_utf8(bytes).ok()?).ok()
}
