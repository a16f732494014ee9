use async_trait::async_trait;
use diesel::prelude::*;

use super::backend::columns::DbTime;
use super::backend::schema::signing_keys;
use super::backend::{Unit, dialect};
use crate::application::ports::{SigningKeys, StoreResult};
use crate::domain::Timestamp;
use crate::domain::token::signing_key::{SigningAlgorithm, SigningKey};
use crate::infrastructure::store::error::meaning;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = signing_keys)]
struct SigningKeyRow {
    kid: String,
    algorithm: String,
    public_jwk: String,
    sealed_private_key: Vec<u8>,
    create_time: DbTime,
    activate_time: DbTime,
    retire_time: Option<DbTime>,
    drop_time: Option<DbTime>,
}

#[async_trait]
impl SigningKeys for Unit {
    async fn list_signing_keys(&self) -> StoreResult<Vec<SigningKey>> {
        let newest_first = (signing_keys::activate_time.desc(), signing_keys::kid.desc());
        let rows = self.load(signing_keys::table.order(newest_first).select(SigningKeyRow::as_select())).await?;
        rows.into_iter().map(SigningKeyRow::into_key).collect()
    }

    async fn insert_signing_key(&self, key: &SigningKey) -> StoreResult<()> {
        self.execute(diesel::insert_into(signing_keys::table).values(SigningKeyRow::from(key))).await?;
        Ok(())
    }

    async fn update_signing_key_times(&self, key: &SigningKey) -> StoreResult<()> {
        let times = (
            signing_keys::activate_time.eq(DbTime(key.activate_time)),
            signing_keys::retire_time.eq(key.retire_time.map(DbTime)),
            signing_keys::drop_time.eq(key.drop_time.map(DbTime)),
        );
        self.execute(diesel::update(signing_keys::table.find(&key.kid)).set(times)).await?;
        Ok(())
    }

    async fn purge_signing_keys(&self, now: Timestamp) -> StoreResult<usize> {
        let dropped = signing_keys::table.filter(signing_keys::drop_time.le(DbTime(now)));
        self.execute(diesel::delete(dropped)).await
    }

    async fn lock_signing_keys(&self) -> StoreResult<()> {
        dialect::lock_signing_keys(self).await
    }
}

impl From<&SigningKey> for SigningKeyRow {
    fn from(key: &SigningKey) -> Self {
        Self {
            kid: key.kid.clone(),
            algorithm: key.algorithm.name().to_owned(),
            public_jwk: key.public_jwk.clone(),
            sealed_private_key: key.sealed_private_key.clone(),
            create_time: DbTime(key.create_time),
            activate_time: DbTime(key.activate_time),
            retire_time: key.retire_time.map(DbTime),
            drop_time: key.drop_time.map(DbTime),
        }
    }
}

impl SigningKeyRow {
    fn into_key(self) -> StoreResult<SigningKey> {
        Ok(SigningKey {
            kid: self.kid,
            algorithm: meaning(SigningAlgorithm::named(&self.algorithm), "signing_keys.algorithm")?,
            public_jwk: self.public_jwk,
            sealed_private_key: self.sealed_private_key,
            create_time: self.create_time.0,
            activate_time: self.activate_time.0,
            retire_time: self.retire_time.map(|time| time.0),
            drop_time: self.drop_time.map(|time| time.0),
        })
    }
}
