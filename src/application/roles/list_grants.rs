use uuid::Uuid;

use super::{NamedSubject, Roles};
use crate::application::error::{Refusal, Result, Violations};
use crate::application::page::PageRequest;
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

/// A page of grants.
#[derive(Debug)]
pub struct GrantPage {
    /// The grants.
    pub grants: Vec<RoleGrant>,
    /// The token of the next page, or empty.
    pub next_page_token: String,
}

impl Roles {
    /// Lists who has a role, or which roles somebody has.
    pub async fn list_grants(&self, whose: ListGrants, page: &PageRequest) -> Result<GrantPage> {
        let size = page.size()?;
        let mut violations = Violations::default();
        let whose = match whose {
            ListGrants::Missing => violations.take("whose", Err("is required")),
            ListGrants::Role(id) => violations.take("role_id", RoleId::parse(&id)).map(GrantsOf::Role),
            ListGrants::Subject(subject) => subject.parse(&mut violations).map(GrantsOf::Subject),
        };
        let whose = violations.check(whose)?;
        let list = format!("grants/{whose:?}");
        let after = match self.page_tokens.decode(&list, &page.token)? {
            Some(bytes) => Some(read_position(&bytes).ok_or(Refusal::PageTokenInvalid)?),
            None => None,
        };
        let grants = self.store.read().await?.roles().list_grants(whose, after.as_ref(), size + 1).await?;
        let (grants, next_page_token) = self.page_tokens.cut(grants, size, &list, position);
        Ok(GrantPage { grants, next_page_token })
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
