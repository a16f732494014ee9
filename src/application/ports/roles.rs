use async_trait::async_trait;

use super::StoreResult;
use crate::domain::Timestamp;
use crate::domain::access::role::{Role, RoleGrant};
use crate::domain::access::subject::Subject;
use crate::domain::id::{RoleId, SessionId, UserId};
use crate::domain::name::Name;

/// Whose grants to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantsOf {
    /// Those of a role: first those to people, then those to services, each in the order of their ids.
    Role(RoleId),
    /// Those to somebody, in the order of the roles' ids.
    Subject(Subject),
}

/// Roles and who has them. Names are unique. What changes somebody's rights is also an access change of its time.
#[async_trait]
pub trait Roles: Send + Sync {
    /// The role with this id.
    async fn find_role(&self, id: RoleId) -> StoreResult<Option<Role>>;

    /// The role with this id, which no other transaction that asks like this sees until this one ends: its permissions
    /// and its holders stay as they are meanwhile.
    async fn lock_role(&self, id: RoleId) -> StoreResult<Option<Role>>;

    /// A page of roles in the order of their names, after a name.
    async fn list_roles(&self, after: Option<&Name>, limit: i64) -> StoreResult<Vec<Role>>;

    /// Stores a new role. Whether it did: `false` means the name is taken, and the transaction continues.
    async fn insert_role(&self, role: &Role) -> StoreResult<bool>;

    /// Stores a changed role whose entity grew from the stored revision `role.revision - 1`. Whether it did. A name that
    /// another role has is a conflict.
    async fn update_role(&self, role: &Role) -> StoreResult<bool>;

    /// Erases a role that nobody has.
    async fn remove_role(&self, id: RoleId, now: Timestamp) -> StoreResult<()>;

    /// Stores a grant. Whether it is new.
    async fn put_grant(&self, grant: &RoleGrant) -> StoreResult<bool>;

    /// Erases a grant. Whether there was one.
    async fn remove_grant(&self, role_id: RoleId, subject: Subject, now: Timestamp) -> StoreResult<bool>;

    /// A page of grants, after one of them.
    async fn list_grants(&self, whose: GrantsOf, after: Option<&RoleGrant>, limit: i64) -> StoreResult<Vec<RoleGrant>>;

    /// The roles of somebody, in the order of their names.
    async fn roles_of(&self, subject: Subject) -> StoreResult<Vec<Role>>;

    /// The roles of whoever has a session.
    async fn roles_of_session(&self, id: SessionId) -> StoreResult<Vec<Role>>;

    /// Whether an active person other than this one has a role.
    async fn is_held_by_others(&self, role_id: RoleId, except: UserId) -> StoreResult<bool>;
}
