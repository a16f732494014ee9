use uuid::Uuid;

use super::{NamedSubject, Roles};
use crate::application::error::{Result, Violations};
use crate::application::page::{Page, PageRequest};
use crate::application::ports::GrantsOf;
use crate::domain::Timestamp;
use crate::domain::access::role::RoleGrant;
use crate::domain::access::subject::Subject;
use crate::domain::id::{RoleId, ServiceAccountId, UserId};

/// Whose grants to list.
#[derive(Debug, Clone)]
pub enum ListGrants {
    /// Nothing was named.
    Missing,
    /// Those of a role.
    Role(String),
    /// Those to somebody.
    Subject(NamedSubject),
}

impl Roles {
    /// Lists who has a role, or which roles somebody has.
    pub async fn list_grants(&self, whose: ListGrants, page: &PageRequest) -> Result<Page<RoleGrant>> {
        page.size()?;
        let mut violations = Violations::default();
        let whose = match whose {
            ListGrants::Missing => violations.take("whose", Err("is required")),
            ListGrants::Role(id) => violations.take("role_id", RoleId::parse(&id)).map(GrantsOf::Role),
            ListGrants::Subject(subject) => subject.parse(&mut violations).map(GrantsOf::Subject),
        };
        let whose = violations.check(whose)?;
        let page = self.page_tokens.open(format!("grants/{whose:?}"), page, read_position)?;
        let grants = self.store.read().await?.roles().list_grants(whose, page.after.as_ref(), page.limit()).await?;
        Ok(page.finish(grants, position))
    }
}

fn position(grant: &RoleGrant) -> Vec<u8> {
    let kind = [u8::from(matches!(grant.subject, Subject::Service(_)))];
    [grant.role_id.as_uuid().as_bytes().as_slice(), &kind, grant.subject.as_uuid().as_bytes()].concat()
}

fn read_position(bytes: &[u8]) -> Option<RoleGrant> {
    let (role, rest) = bytes.split_first_chunk::<16>()?;
    let (kind, id) = rest.split_first()?;
    let id = Uuid::from_bytes(id.try_into().ok()?);
    Some(RoleGrant {
        role_id: RoleId::from_uuid(Uuid::from_bytes(*role)),
        subject: if *kind == 0 { UserId::from_uuid(id).into() } else { ServiceAccountId::from_uuid(id).into() },
        create_time: Timestamp::UNIX_EPOCH,
    })
}
