use async_trait::async_trait;
use diesel::prelude::*;

use super::backend::Unit;
use super::backend::columns::{DbId, DbTime};
use super::backend::schema::{passwords, users};
use crate::application::ports::{Credentials, PasswordCredential, StoreResult};
use crate::domain::Timestamp;
use crate::domain::account::email::EmailAddress;
use crate::domain::account::username::Username;
use crate::domain::credential::password::PasswordHash;
use crate::domain::id::UserId;

#[derive(Queryable, Selectable)]
#[diesel(table_name = passwords)]
struct PasswordRow {
    user_id: DbId,
    hash: String,
    failures: i32,
}

impl PasswordRow {
    fn into_credential(self) -> PasswordCredential {
        let (user_id, hash) = (UserId::from_uuid(self.user_id.0), PasswordHash::new(self.hash));
        PasswordCredential { user_id, hash, failures: self.failures }
    }
}

#[async_trait]
impl Credentials for Unit {
    async fn find_password(&self, user_id: UserId) -> StoreResult<Option<PasswordCredential>> {
        let stored = passwords::table.find(DbId(*user_id.as_uuid())).select(PasswordRow::as_select());
        Ok(self.find(stored).await?.map(PasswordRow::into_credential))
    }

    async fn find_password_by_email(&self, email: &EmailAddress) -> StoreResult<Option<PasswordCredential>> {
        let held = passwords::table.inner_join(users::table).filter(users::email_canonical.eq(email.canonical()));
        Ok(self.find(held.select(PasswordRow::as_select())).await?.map(PasswordRow::into_credential))
    }

    async fn find_password_by_username(&self, username: &Username) -> StoreResult<Option<PasswordCredential>> {
        let held = passwords::table.inner_join(users::table).filter(users::username.eq(username.as_str()));
        Ok(self.find(held.select(PasswordRow::as_select())).await?.map(PasswordRow::into_credential))
    }

    async fn put_password(&self, user_id: UserId, hash: &PasswordHash, now: Timestamp) -> StoreResult<()> {
        let values =
            (passwords::hash.eq(hash.as_str()), passwords::failures.eq(0), passwords::update_time.eq(DbTime(now)));
        let insert =
            diesel::insert_into(passwords::table).values((passwords::user_id.eq(DbId(*user_id.as_uuid())), values));
        self.execute(insert.on_conflict(passwords::user_id).do_update().set(values)).await?;
        Ok(())
    }

    async fn drop_password(&self, user_id: UserId) -> StoreResult<()> {
        self.execute(diesel::delete(passwords::table.find(DbId(*user_id.as_uuid())))).await?;
        Ok(())
    }

    async fn upgrade_hash(&self, user_id: UserId, old: &PasswordHash, new: &PasswordHash) -> StoreResult<bool> {
        let unchanged = passwords::table.find(DbId(*user_id.as_uuid())).filter(passwords::hash.eq(old.as_str()));
        Ok(self.execute(diesel::update(unchanged).set(passwords::hash.eq(new.as_str()))).await? == 1)
    }

    async fn count_failure(&self, user_id: UserId) -> StoreResult<i32> {
        let stored = passwords::table.find(DbId(*user_id.as_uuid()));
        let count = diesel::update(stored).set(passwords::failures.eq(passwords::failures + 1));
        Ok(self.find_returned(count.returning(passwords::failures)).await?.unwrap_or(0))
    }

    async fn forget_failures(&self, user_id: UserId) -> StoreResult<()> {
        let counted = passwords::table.find(DbId(*user_id.as_uuid())).filter(passwords::failures.ne(0));
        self.execute(diesel::update(counted).set(passwords::failures.eq(0))).await?;
        Ok(())
    }
}
