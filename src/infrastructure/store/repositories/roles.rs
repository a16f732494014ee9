use async_trait::async_trait;
use diesel::prelude::*;

use super::backend::columns::{DbId, DbTime};
use super::backend::schema::{role_grants as people, roles, service_role_grants as services, sessions, users};
use super::backend::{Unit, dialect};
use super::role_grants;
use crate::application::ports::{AccessChanges, GrantsOf, Roles, StoreResult};
use crate::domain::Timestamp;
use crate::domain::access::change::AccessChange;
use crate::domain::access::role::{Role, RoleGrant, parse_permissions};
use crate::domain::access::subject::Subject;
use crate::domain::account::user::UserState;
use crate::domain::id::{RoleId, SessionId, UserId};
use crate::domain::name::{Description, Name};
use crate::infrastructure::store::error::meaning;

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = roles)]
struct RoleRow {
    id: DbId,
    name: String,
    description: String,
    permissions: String,
    mfa_required: bool,
    #[diesel(skip_update)]
    built_in: bool,
    #[diesel(skip_update)]
    create_time: DbTime,
    update_time: DbTime,
    revision: i64,
}

#[async_trait]
impl Roles for Unit {
    async fn find_role(&self, id: RoleId) -> StoreResult<Option<Role>> {
        let query = roles::table.find(DbId(*id.as_uuid())).select(RoleRow::as_select());
        self.find(query).await?.map(RoleRow::into_role).transpose()
    }

    async fn lock_role(&self, id: RoleId) -> StoreResult<Option<Role>> {
        let query = roles::table.find(DbId(*id.as_uuid())).select(RoleRow::as_select());
        self.find(dialect::queueing!(query)).await?.map(RoleRow::into_role).transpose()
    }

    async fn list_roles(&self, after: Option<&Name>, limit: i64) -> StoreResult<Vec<Role>> {
        let after = after.map(Name::as_str).unwrap_or_default();
        let query = roles::table
            .filter(roles::name.gt(after.to_owned()))
            .order(roles::name)
            .limit(limit)
            .select(RoleRow::as_select());
        self.load(query).await?.into_iter().map(RoleRow::into_role).collect()
    }

    async fn insert_role(&self, role: &Role) -> StoreResult<bool> {
        let insert = diesel::insert_into(roles::table).values(RoleRow::from(role)).on_conflict_do_nothing();
        Ok(self.execute(insert).await? == 1)
    }

    async fn update_role(&self, role: &Role) -> StoreResult<bool> {
        let row = RoleRow::from(role);
        let stored = roles::table.filter(roles::id.eq(row.id)).filter(roles::revision.eq(row.revision - 1));
        let count = self.execute(diesel::update(stored).set(row)).await?;
        self.changes_rights(count, role.update_time).await
    }

    async fn remove_role(&self, id: RoleId, now: Timestamp) -> StoreResult<()> {
        role_grants::remove_all(self, id).await?;
        let count = self.execute(diesel::delete(roles::table.find(DbId(*id.as_uuid())))).await?;
        self.changes_rights(count, now).await?;
        Ok(())
    }

    async fn put_grant(&self, grant: &RoleGrant) -> StoreResult<bool> {
        let count = role_grants::put(self, grant).await?;
        self.changes_rights(count, grant.create_time).await
    }

    async fn remove_grant(&self, role_id: RoleId, subject: Subject, now: Timestamp) -> StoreResult<bool> {
        let count = role_grants::remove(self, role_id, subject).await?;
        self.changes_rights(count, now).await
    }

    async fn list_grants(&self, whose: GrantsOf, after: Option<&RoleGrant>, limit: i64) -> StoreResult<Vec<RoleGrant>> {
        match whose {
            GrantsOf::Role(id) => role_grants::of_role(self, id, (after.map(|grant| grant.subject), limit)).await,
            GrantsOf::Subject(subject) => {
                let after = after.map_or(RoleId::NOBODY, |grant| grant.role_id);
                role_grants::to_subject(self, subject, (after, limit)).await
            }
        }
    }

    async fn roles_of_session(&self, id: SessionId) -> StoreResult<Vec<Role>> {
        let holder = sessions::table.find(DbId(*id.as_uuid())).select(sessions::user_id);
        let held = roles::table.inner_join(people::table).filter(people::user_id.eq_any(holder));
        let rows = self.load(held.order(roles::name).select(RoleRow::as_select())).await?;
        rows.into_iter().map(RoleRow::into_role).collect()
    }

    async fn roles_of(&self, subject: Subject) -> StoreResult<Vec<Role>> {
        let rows = match subject {
            Subject::User(id) => {
                let held = roles::table.inner_join(people::table).filter(people::user_id.eq(DbId(*id.as_uuid())));
                self.load(held.order(roles::name).select(RoleRow::as_select())).await?
            }
            Subject::Service(id) => {
                let held = roles::table
                    .inner_join(services::table)
                    .filter(services::service_account_id.eq(DbId(*id.as_uuid())));
                self.load(held.order(roles::name).select(RoleRow::as_select())).await?
            }
        };
        rows.into_iter().map(RoleRow::into_role).collect()
    }

    async fn is_held_by_others(&self, role_id: RoleId, except: UserId) -> StoreResult<bool> {
        let query = people::table
            .inner_join(users::table)
            .filter(people::role_id.eq(DbId(*role_id.as_uuid())))
            .filter(people::user_id.ne(DbId(*except.as_uuid())))
            .filter(users::state.eq(UserState::Active.as_str()))
            .select(people::user_id)
            .limit(1);
        Ok(self.find::<_, DbId>(query).await?.is_some())
    }
}

impl Unit {
    /// Makes every replica ask anew what people may do, if this transaction changed a row. Whether it did.
    async fn changes_rights(&self, count: usize, now: Timestamp) -> StoreResult<bool> {
        if count > 0 {
            self.insert_access_changes(&[AccessChange::Rights], now).await?;
        }
        Ok(count > 0)
    }
}

impl From<&Role> for RoleRow {
    fn from(role: &Role) -> Self {
        Self {
            id: DbId(*role.id.as_uuid()),
            name: role.name.as_str().to_owned(),
            description: role.description.as_str().to_owned(),
            permissions: role.permissions.to_string(),
            mfa_required: role.mfa_required,
            built_in: role.built_in,
            create_time: DbTime(role.create_time),
            update_time: DbTime(role.update_time),
            revision: role.revision,
        }
    }
}

impl RoleRow {
    fn into_role(self) -> StoreResult<Role> {
        let patterns: Vec<&str> = self.permissions.split_whitespace().collect();
        Ok(Role {
            id: RoleId::from_uuid(self.id.0),
            name: meaning(Name::parse(&self.name).ok(), "roles.name")?,
            description: meaning(Description::parse(&self.description).ok(), "roles.description")?,
            permissions: meaning(parse_permissions(&patterns).ok(), "roles.permissions")?,
            mfa_required: self.mfa_required,
            built_in: self.built_in,
            create_time: self.create_time.0,
            update_time: self.update_time.0,
            revision: self.revision,
        })
    }
}
