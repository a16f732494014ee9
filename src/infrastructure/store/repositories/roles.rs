use async_trait::async_trait;
use diesel::prelude::*;

use super::backend::columns::{DbId, DbTime};
use super::backend::schema::{role_grants, roles, users};
use super::backend::{Unit, dialect};
use crate::application::ports::{AccessChanges, GrantsOf, Roles, StoreResult};
use crate::domain::Timestamp;
use crate::domain::access_change::AccessChange;
use crate::domain::id::{RoleId, UserId};
use crate::domain::role::{Description, Role, RoleGrant, RoleName, parse_permissions};
use crate::domain::user::UserState;
use crate::infrastructure::store::error::meaning;
use crate::infrastructure::store::word::Word;

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = roles)]
struct RoleRow {
    id: DbId,
    name: String,
    description: String,
    permissions: String,
    #[diesel(skip_update)]
    built_in: bool,
    #[diesel(skip_update)]
    create_time: DbTime,
    update_time: DbTime,
    revision: i64,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = role_grants)]
struct GrantRow {
    role_id: DbId,
    user_id: DbId,
    create_time: DbTime,
}

#[async_trait]
impl Roles for Unit {
    async fn find_role(&mut self, id: RoleId) -> StoreResult<Option<Role>> {
        let query = roles::table.find(DbId(*id.as_uuid())).select(RoleRow::as_select());
        self.find(query).await?.map(RoleRow::into_role).transpose()
    }

    async fn lock_role(&mut self, id: RoleId) -> StoreResult<Option<Role>> {
        let query = roles::table.find(DbId(*id.as_uuid())).select(RoleRow::as_select());
        self.find(dialect::queueing!(query)).await?.map(RoleRow::into_role).transpose()
    }

    async fn list_roles(&mut self, after: Option<&RoleName>, limit: i64) -> StoreResult<Vec<Role>> {
        let after = after.map(RoleName::as_str).unwrap_or_default();
        let query = roles::table
            .filter(roles::name.gt(after.to_owned()))
            .order(roles::name)
            .limit(limit)
            .select(RoleRow::as_select());
        self.load(query).await?.into_iter().map(RoleRow::into_role).collect()
    }

    async fn insert_role(&mut self, role: &Role) -> StoreResult<bool> {
        let insert = diesel::insert_into(roles::table).values(RoleRow::from(role)).on_conflict_do_nothing();
        Ok(self.execute(insert).await? == 1)
    }

    async fn update_role(&mut self, role: &Role) -> StoreResult<bool> {
        let row = RoleRow::from(role);
        let stored = roles::table.filter(roles::id.eq(row.id)).filter(roles::revision.eq(row.revision - 1));
        let count = self.execute(diesel::update(stored).set(row)).await?;
        self.changes_rights(count, role.update_time).await
    }

    async fn remove_role(&mut self, id: RoleId, now: Timestamp) -> StoreResult<()> {
        let count = self.execute(diesel::delete(roles::table.find(DbId(*id.as_uuid())))).await?;
        self.changes_rights(count, now).await?;
        Ok(())
    }

    async fn put_grant(&mut self, grant: &RoleGrant) -> StoreResult<bool> {
        let row = GrantRow {
            role_id: DbId(*grant.role_id.as_uuid()),
            user_id: DbId(*grant.user_id.as_uuid()),
            create_time: DbTime(grant.create_time),
        };
        let insert = diesel::insert_into(role_grants::table).values(row).on_conflict_do_nothing();
        let count = self.execute(insert).await?;
        self.changes_rights(count, grant.create_time).await
    }

    async fn remove_grant(&mut self, role_id: RoleId, user_id: UserId, now: Timestamp) -> StoreResult<bool> {
        let grant = role_grants::table.find((DbId(*user_id.as_uuid()), DbId(*role_id.as_uuid())));
        let count = self.execute(diesel::delete(grant)).await?;
        self.changes_rights(count, now).await
    }

    async fn list_grants(
        &mut self,
        whose: GrantsOf,
        after: Option<&RoleGrant>,
        limit: i64,
    ) -> StoreResult<Vec<RoleGrant>> {
        let query = role_grants::table.limit(limit).select(GrantRow::as_select()).into_boxed();
        let query = match whose {
            GrantsOf::Role(id) => {
                let after = after.map_or(UserId::NOBODY, |grant| grant.user_id);
                query
                    .filter(role_grants::role_id.eq(DbId(*id.as_uuid())))
                    .filter(role_grants::user_id.gt(DbId(*after.as_uuid())))
                    .order(role_grants::user_id)
            }
            GrantsOf::User(id) => {
                let after = after.map_or(RoleId::NOBODY, |grant| grant.role_id);
                query
                    .filter(role_grants::user_id.eq(DbId(*id.as_uuid())))
                    .filter(role_grants::role_id.gt(DbId(*after.as_uuid())))
                    .order(role_grants::role_id)
            }
        };
        Ok(self.load(query).await?.into_iter().map(GrantRow::into_grant).collect())
    }

    async fn roles_of(&mut self, user_id: UserId) -> StoreResult<Vec<Role>> {
        let query = roles::table
            .inner_join(role_grants::table)
            .filter(role_grants::user_id.eq(DbId(*user_id.as_uuid())))
            .order(roles::name)
            .select(RoleRow::as_select());
        self.load(query).await?.into_iter().map(RoleRow::into_role).collect()
    }

    async fn is_held_by_others(&mut self, role_id: RoleId, except: UserId) -> StoreResult<bool> {
        let query = role_grants::table
            .inner_join(users::table)
            .filter(role_grants::role_id.eq(DbId(*role_id.as_uuid())))
            .filter(role_grants::user_id.ne(DbId(*except.as_uuid())))
            .filter(users::state.eq(UserState::Active.word()))
            .select(role_grants::user_id)
            .limit(1);
        Ok(self.find::<_, DbId>(query).await?.is_some())
    }
}

impl Unit {
    /// Makes every replica ask anew what people may do, if this transaction changed a row. Whether it did.
    async fn changes_rights(&mut self, count: usize, now: Timestamp) -> StoreResult<bool> {
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
            name: meaning(RoleName::parse(&self.name).ok(), "roles.name")?,
            description: meaning(Description::parse(&self.description).ok(), "roles.description")?,
            permissions: meaning(parse_permissions(&patterns).ok(), "roles.permissions")?,
            built_in: self.built_in,
            create_time: self.create_time.0,
            update_time: self.update_time.0,
            revision: self.revision,
        })
    }
}

impl GrantRow {
    fn into_grant(self) -> RoleGrant {
        RoleGrant {
            role_id: RoleId::from_uuid(self.role_id.0),
            user_id: UserId::from_uuid(self.user_id.0),
            create_time: self.create_time.0,
        }
    }
}
