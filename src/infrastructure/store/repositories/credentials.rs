use async_trait::async_trait;
use diesel::prelude::*;

use super::backend::Unit;
use super::backend::columns::{DbId, DbTime};
use super::backend::schema::passwords;
use crate::application::ports::{Credentials, PasswordCredential, StoreResult};
use crate::domain::Timestamp;
use crate::domain::credential::password::PasswordHash;
use crate::domain::id::UserId;

#[async_trait]
impl Credentials for Unit {
    async fn find_password(&mut self, user_id: UserId) -> StoreResult<Option<PasswordCredential>> {
        let stored = passwords::table.find(DbId(*user_id.as_uuid())).select((passwords::hash, passwords::failures));
        let found = self.find::<_, (String, i32)>(stored).await?;
        Ok(found.map(|(hash, failures)| PasswordCredential { user_id, hash: PasswordHash::new(hash), failures }))
    }

    async fn put_password(&mut self, user_id: UserId, hash: &PasswordHash, now: Timestamp) -> StoreResult<()> {
        let values =
            (passwords::hash.eq(hash.as_str()), passwords::failures.eq(0), passwords::update_time.eq(DbTime(now)));
        let insert =
            diesel::insert_into(passwords::table).values((passwords::user_id.eq(DbId(*user_id.as_uuid())), values));
        self.execute(insert.on_conflict(passwords::user_id).do_update().set(values)).await?;
        Ok(())
    }

    async fn drop_password(&mut self, user_id: UserId) -> StoreResult<()> {
        self.execute(diesel::delete(passwords::table.find(DbId(*user_id.as_uuid())))).await?;
        Ok(())
    }

    async fn upgrade_hash(&mut self, user_id: UserId, old: &PasswordHash, new: &PasswordHash) -> StoreResult<bool> {
        let unchanged = passwords::table.find(DbId(*user_id.as_uuid())).filter(passwords::hash.eq(old.as_str()));
        Ok(self.execute(diesel::update(unchanged).set(passwords::hash.eq(new.as_str()))).await? == 1)
    }

    async fn count_failure(&mut self, user_id: UserId) -> StoreResult<i32> {
        let stored = passwords::table.find(DbId(*user_id.as_uuid()));
        let count = diesel::update(stored).set(passwords::failures.eq(passwords::failures + 1));
        Ok(self.find(count.returning(passwords::failures)).await?.unwrap_or(0))
    }

    async fn forget_failures(&mut self, user_id: UserId) -> StoreResult<()> {
        let counted = passwords::table.find(DbId(*user_id.as_uuid())).filter(passwords::failures.ne(0));
        self.execute(diesel::update(counted).set(passwords::failures.eq(0))).await?;
        Ok(())
    }
}
