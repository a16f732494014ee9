use async_trait::async_trait;
use diesel::prelude::*;

use super::backend::Unit;
use super::backend::columns::{DbId, DbTime};
use super::backend::schema::{api_keys, service_accounts};
use super::service_accounts::ServiceAccountRow;
use crate::application::ports::{AccessChanges, ApiKeys, StoreResult};
use crate::domain::Timestamp;
use crate::domain::access::change::AccessChange;
use crate::domain::account::profile::DisplayName;
use crate::domain::account::service_account::ServiceAccount;
use crate::domain::credential::api_key::{ApiKey, parse_scopes};
use crate::domain::id::{ApiKeyId, ServiceAccountId};
use crate::domain::secret::Digest;
use crate::infrastructure::store::error::meaning;

diesel::alias!(api_keys as over: Over);

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = api_keys)]
struct ApiKeyRow {
    id: DbId,
    service_account_id: DbId,
    display_name: String,
    digest: Vec<u8>,
    scopes: String,
    create_time: DbTime,
    expire_time: DbTime,
    last_used_time: Option<DbTime>,
    revoke_time: Option<DbTime>,
}

#[async_trait]
impl ApiKeys for Unit {
    async fn find_api_key_with_account(&self, id: ApiKeyId) -> StoreResult<Option<(ApiKey, ServiceAccount)>> {
        let query = api_keys::table
            .find(DbId(*id.as_uuid()))
            .inner_join(service_accounts::table)
            .select((ApiKeyRow::as_select(), ServiceAccountRow::as_select()));
        let Some((key, account)) = self.find(query).await? else { return Ok(None) };
        Ok(Some((key.into_key()?, account.into_account()?)))
    }

    async fn list_api_keys(
        &self,
        account_id: ServiceAccountId,
        (after, limit): (Option<ApiKeyId>, i64),
    ) -> StoreResult<Vec<ApiKey>> {
        let of_account = api_keys::table.filter(api_keys::service_account_id.eq(DbId(*account_id.as_uuid())));
        let mut query = of_account.order(api_keys::id.desc()).limit(limit).select(ApiKeyRow::as_select()).into_boxed();
        if let Some(after) = after {
            query = query.filter(api_keys::id.lt(DbId(*after.as_uuid())));
        }
        self.load(query).await?.into_iter().map(ApiKeyRow::into_key).collect()
    }

    async fn count_live_api_keys(&self, account_id: ServiceAccountId, now: Timestamp) -> StoreResult<i64> {
        let live = api_keys::table
            .filter(api_keys::service_account_id.eq(DbId(*account_id.as_uuid())))
            .filter(api_keys::revoke_time.is_null())
            .filter(api_keys::expire_time.gt(DbTime(now)));
        Ok(self.find(live.count()).await?.unwrap_or_default())
    }

    async fn insert_api_key(&self, key: &ApiKey) -> StoreResult<()> {
        self.execute(diesel::insert_into(api_keys::table).values(ApiKeyRow::from(key))).await?;
        Ok(())
    }

    async fn revoke_api_key(&self, id: ApiKeyId, now: Timestamp) -> StoreResult<bool> {
        let live = api_keys::table.find(DbId(*id.as_uuid())).filter(api_keys::revoke_time.is_null());
        let is_revoked =
            self.execute(diesel::update(live).set(api_keys::revoke_time.eq(Some(DbTime(now))))).await? == 1;
        if is_revoked {
            self.insert_access_changes(&[AccessChange::Session(*id.as_uuid())], now).await?;
        }
        Ok(is_revoked)
    }

    async fn record_api_key_use(&self, id: ApiKeyId, time: Timestamp, news_after: Timestamp) -> StoreResult<bool> {
        use api_keys::last_used_time;
        let is_news = last_used_time.is_null().or(last_used_time.le(DbTime(news_after)));
        let key = api_keys::table.filter(api_keys::id.eq(DbId(*id.as_uuid()))).filter(is_news);
        Ok(self.execute(diesel::update(key).set(last_used_time.eq(Some(DbTime(time))))).await? == 1)
    }

    async fn purge_api_keys(&self, before: Timestamp, limit: i64) -> StoreResult<usize> {
        let ids = over
            .filter(over.field(api_keys::over_time).lt(DbTime(before)))
            .select(over.field(api_keys::id))
            .order(over.field(api_keys::over_time))
            .limit(limit);
        self.execute(diesel::delete(api_keys::table.filter(api_keys::id.eq_any(ids)))).await
    }
}

impl From<&ApiKey> for ApiKeyRow {
    fn from(key: &ApiKey) -> Self {
        Self {
            id: DbId(*key.id.as_uuid()),
            service_account_id: DbId(*key.account_id.as_uuid()),
            display_name: key.display_name.as_str().to_owned(),
            digest: key.digest.as_bytes().to_vec(),
            scopes: key.scope.as_ref().map(ToString::to_string).unwrap_or_default(),
            create_time: DbTime(key.create_time),
            expire_time: DbTime(key.expire_time),
            last_used_time: key.last_used_time.map(DbTime),
            revoke_time: key.revoke_time.map(DbTime),
        }
    }
}

impl ApiKeyRow {
    fn into_key(self) -> StoreResult<ApiKey> {
        let scopes: Vec<&str> = self.scopes.split_whitespace().collect();
        Ok(ApiKey {
            id: ApiKeyId::from_uuid(self.id.0),
            account_id: ServiceAccountId::from_uuid(self.service_account_id.0),
            display_name: meaning(DisplayName::parse(&self.display_name).ok(), "api_keys.display_name")?,
            digest: meaning(self.digest.try_into().ok().map(Digest::from_bytes), "api_keys.digest")?,
            scope: meaning(parse_scopes(&scopes).ok(), "api_keys.scopes")?,
            create_time: self.create_time.0,
            expire_time: self.expire_time.0,
            last_used_time: self.last_used_time.map(|time| time.0),
            revoke_time: self.revoke_time.map(|time| time.0),
        })
    }
}
