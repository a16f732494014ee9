use std::collections::BTreeMap;

use super::Roles;
use crate::application::error::Result;
use crate::application::page::{Page, PageRequest};
use crate::domain::access::role::MAX_ROLES;

/// A permission, or a pattern of them, that the service knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPermission {
    /// How it is written.
    pub name: String,
    /// The RPCs it opens; none for those of applications.
    pub rpcs: Vec<String>,
}

impl Roles {
    /// Lists the permissions of Ipse itself and all that roles state.
    pub async fn list_permissions(&self, page: &PageRequest) -> Result<Page<KnownPermission>> {
        let page = self.page_tokens.open("permissions", page, |bytes| Some(bytes.to_vec()))?;
        let own = self.catalogue.0.iter().map(|(permission, rpcs)| (permission.as_str().to_owned(), rpcs.clone()));
        let mut named: BTreeMap<String, Vec<String>> = own.collect();
        for role in self.store.read().await?.roles().list_roles(None, MAX_ROLES.into()).await? {
            for pattern in role.permissions.patterns() {
                named.entry(pattern.as_str().to_owned()).or_default();
            }
        }
        let rest =
            named.into_iter().filter(|(name, _)| page.after.as_deref().is_none_or(|after| name.as_bytes() > after));
        let limit = usize::try_from(page.limit()).unwrap_or(usize::MAX);
        let permissions = rest.take(limit).map(|(name, rpcs)| KnownPermission { name, rpcs }).collect();
        Ok(page.finish(permissions, |last: &KnownPermission| last.name.as_bytes().to_vec()))
    }
}
