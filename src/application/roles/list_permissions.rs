use std::collections::BTreeMap;

use super::Roles;
use crate::application::error::Result;
use crate::application::page::PageRequest;
use crate::domain::access::role::MAX_ROLES;

/// A permission, or a pattern of them, that the service knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPermission {
    /// How it is written.
    pub name: String,
    /// The RPCs it opens; none for those of applications.
    pub rpcs: Vec<String>,
}

/// A page of permissions in the order of their names.
#[derive(Debug)]
pub struct PermissionPage {
    /// The permissions.
    pub permissions: Vec<KnownPermission>,
    /// The token of the next page, or empty.
    pub next_page_token: String,
}

impl Roles {
    /// Lists the permissions of Ipse itself and all that roles state.
    pub async fn list_permissions(&self, page: &PageRequest) -> Result<PermissionPage> {
        let size = page.size()?;
        let after = self.page_tokens.decode("permissions", &page.token)?;
        let own = self.catalogue.0.iter().map(|(permission, rpcs)| (permission.as_str().to_owned(), rpcs.clone()));
        let mut known: BTreeMap<String, Vec<String>> = own.collect();
        for role in self.store.read().await?.roles().list_roles(None, MAX_ROLES).await? {
            for pattern in role.permissions.patterns() {
                known.entry(pattern.as_str().to_owned()).or_default();
            }
        }
        let rest = known.into_iter().filter(|(name, _)| after.as_deref().is_none_or(|after| name.as_bytes() > after));
        let page_and_one = usize::try_from(size + 1).unwrap_or(usize::MAX);
        let permissions = rest.take(page_and_one).map(|(name, rpcs)| KnownPermission { name, rpcs }).collect();
        let (permissions, next_page_token) =
            self.page_tokens.cut(permissions, size, "permissions", |permission| permission.name.as_bytes().to_vec());
        Ok(PermissionPage { permissions, next_page_token })
    }
}
