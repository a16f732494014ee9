use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use diesel::dsl::SqlTypeOf;
use diesel::prelude::*;

use super::backend::columns::{DbId, DbTime};
use super::backend::schema::{passwords, retired_ids, service_accounts, users};
use super::backend::{Unit, dialect};
use super::users::UserRow;
use crate::application::ports::{BulkUsers, StoreResult, StoredUser};
use crate::domain::account::user::User;
use crate::domain::account::user_record::UserRecord;
use crate::domain::account::username::Username;
use crate::domain::credential::password::PasswordHash;
use crate::domain::id::UserId;

struct PasswordRow<'r> {
    user_id: DbId,
    hash: &'r str,
    failures: i32,
    update_time: DbTime,
}

#[derive(QueryableByName)]
struct Inserted {
    #[diesel(sql_type = SqlTypeOf<users::id>)]
    id: DbId,
}

#[async_trait]
impl BulkUsers for Unit {
    async fn insert_records(&self, records: &[&UserRecord]) -> StoreResult<HashSet<UserId>> {
        let rows: Vec<UserRow> = records.iter().map(|record| UserRow::from(&record.user)).collect();
        let insert = dialect::inserting_all!(rows => users (
            id, email_written, email_canonical, email_verified, username, display_name, locale, attributes, state,
            suspend_time, state_reason, provisional, wanted_username, disputed, password_change_required, mfa_enabled,
            create_time, update_time, last_login_time, delete_time, purge_time, revision
        ));
        let inserted: Vec<Inserted> = self.load_returned(insert).await?;
        let stored: HashSet<UserId> = inserted.into_iter().map(|row| UserId::from_uuid(row.id.0)).collect();
        let new = records.iter().filter(|record| stored.contains(&record.user.id));
        let rows: Vec<PasswordRow<'_>> = new.filter_map(|record| PasswordRow::of(record)).collect();
        if !rows.is_empty() {
            let insert = dialect::inserting_all!(rows => passwords (user_id, hash, failures, update_time));
            self.load_returned::<_, Inserted>(insert).await?;
        }
        Ok(stored)
    }

    async fn find_used_ids(&self, ids: &[UserId]) -> StoreResult<HashSet<UserId>> {
        let ids: Vec<DbId> = ids.iter().map(|id| DbId(*id.as_uuid())).collect();
        let retired = retired_ids::table.filter(retired_ids::id.eq_any(ids.clone())).select(retired_ids::id);
        let mut used: Vec<DbId> = self.load(retired).await?;
        let services = service_accounts::table.filter(service_accounts::id.eq_any(ids)).select(service_accounts::id);
        used.extend(self.load::<_, DbId>(services).await?);
        Ok(used.into_iter().map(|id| UserId::from_uuid(id.0)).collect())
    }

    async fn find_rivals(&self, people: &[&User]) -> StoreResult<Vec<StoredUser>> {
        let ids: Vec<DbId> = people.iter().map(|user| DbId(*user.id.as_uuid())).collect();
        let emails: Vec<&str> = people.iter().map(|user| user.email.canonical()).collect();
        let names: Vec<&str> = people.iter().filter_map(|user| user.username.as_ref()).map(Username::as_str).collect();
        let alike = users::id.eq_any(ids).or(users::email_canonical.eq_any(emails)).or(users::username.eq_any(names));
        let rows: Vec<UserRow> = self.load(users::table.filter(alike).select(UserRow::as_select())).await?;
        self.with_hashes(rows.into_iter().map(UserRow::into_user).collect::<StoreResult<_>>()?).await
    }

    async fn with_hashes(&self, people: Vec<User>) -> StoreResult<Vec<StoredUser>> {
        let ids: Vec<DbId> = people.iter().map(|user| DbId(*user.id.as_uuid())).collect();
        let theirs = passwords::table.filter(passwords::user_id.eq_any(ids));
        let found: Vec<(DbId, String)> = self.load(theirs.select((passwords::user_id, passwords::hash))).await?;
        let mut hashes: HashMap<UserId, PasswordHash> =
            found.into_iter().map(|(id, hash)| (UserId::from_uuid(id.0), PasswordHash::new(hash))).collect();
        let with_hash = |user: User| {
            let hash = hashes.remove(&user.id);
            (user, hash)
        };
        Ok(people.into_iter().map(with_hash).collect())
    }
}

impl<'r> PasswordRow<'r> {
    fn of(record: &'r UserRecord) -> Option<Self> {
        Some(Self {
            user_id: DbId(*record.user.id.as_uuid()),
            hash: record.password_hash.as_ref()?.as_str(),
            failures: 0,
            update_time: DbTime(record.user.update_time),
        })
    }
}
