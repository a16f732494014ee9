use async_trait::async_trait;
use diesel::prelude::*;

use super::backend::columns::{DbId, DbTime};
use super::backend::schema::service_accounts;
use super::backend::{Unit, dialect};
use crate::application::ports::{AccessChanges, ServiceAccounts, StoreResult};
use crate::domain::Timestamp;
use crate::domain::access::change::AccessChange;
use crate::domain::account::service_account::ServiceAccount;
use crate::domain::id::ServiceAccountId;
use crate::domain::name::{Description, Name};
use crate::infrastructure::store::error::meaning;

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = service_accounts)]
pub(super) struct ServiceAccountRow {
    id: DbId,
    name: String,
    description: String,
    disabled: bool,
    #[diesel(skip_update)]
    create_time: DbTime,
    update_time: DbTime,
    revision: i64,
}

#[async_trait]
impl ServiceAccounts for Unit {
    async fn find_service_account(&self, id: ServiceAccountId) -> StoreResult<Option<ServiceAccount>> {
        let query = service_accounts::table.find(DbId(*id.as_uuid())).select(ServiceAccountRow::as_select());
        self.find(query).await?.map(ServiceAccountRow::into_account).transpose()
    }

    async fn lock_service_account(&self, id: ServiceAccountId) -> StoreResult<Option<ServiceAccount>> {
        let query = service_accounts::table.find(DbId(*id.as_uuid())).select(ServiceAccountRow::as_select());
        self.find(dialect::queueing!(query)).await?.map(ServiceAccountRow::into_account).transpose()
    }

    async fn list_service_accounts(&self, after: Option<&Name>, limit: i64) -> StoreResult<Vec<ServiceAccount>> {
        let after = after.map(Name::as_str).unwrap_or_default();
        let query = service_accounts::table
            .filter(service_accounts::name.gt(after.to_owned()))
            .order(service_accounts::name)
            .limit(limit)
            .select(ServiceAccountRow::as_select());
        self.load(query).await?.into_iter().map(ServiceAccountRow::into_account).collect()
    }

    async fn count_service_accounts(&self) -> StoreResult<i64> {
        Ok(self.find(service_accounts::table.count()).await?.unwrap_or_default())
    }

    async fn insert_service_account(&self, account: &ServiceAccount) -> StoreResult<bool> {
        let row = ServiceAccountRow::from(account);
        let insert = diesel::insert_into(service_accounts::table).values(row).on_conflict_do_nothing();
        Ok(self.execute(insert).await? == 1)
    }

    async fn update_service_account(&self, account: &ServiceAccount) -> StoreResult<bool> {
        let row = ServiceAccountRow::from(account);
        let stored = service_accounts::table
            .filter(service_accounts::id.eq(row.id))
            .filter(service_accounts::revision.eq(row.revision - 1));
        let is_stored = self.execute(diesel::update(stored).set(row)).await? == 1;
        if is_stored && account.disabled {
            self.turn_away(account.id, account.update_time).await?;
        }
        Ok(is_stored)
    }

    async fn remove_service_account(&self, id: ServiceAccountId, now: Timestamp) -> StoreResult<()> {
        match self.execute(diesel::delete(service_accounts::table.find(DbId(*id.as_uuid())))).await? {
            0 => Ok(()),
            _ => self.turn_away(id, now).await,
        }
    }
}

impl Unit {
    async fn turn_away(&self, id: ServiceAccountId, now: Timestamp) -> StoreResult<()> {
        self.insert_access_changes(&[AccessChange::turned_away(id.into(), now)], now).await?;
        Ok(())
    }
}

impl From<&ServiceAccount> for ServiceAccountRow {
    fn from(account: &ServiceAccount) -> Self {
        Self {
            id: DbId(*account.id.as_uuid()),
            name: account.name.as_str().to_owned(),
            description: account.description.as_str().to_owned(),
            disabled: account.disabled,
            create_time: DbTime(account.create_time),
            update_time: DbTime(account.update_time),
            revision: account.revision,
        }
    }
}

impl ServiceAccountRow {
    /// The account that the row tells of.
    pub(super) fn into_account(self) -> StoreResult<ServiceAccount> {
        Ok(ServiceAccount {
            id: ServiceAccountId::from_uuid(self.id.0),
            name: meaning(Name::parse(&self.name).ok(), "service_accounts.name")?,
            description: meaning(Description::parse(&self.description).ok(), "service_accounts.description")?,
            disabled: self.disabled,
            create_time: self.create_time.0,
            update_time: self.update_time.0,
            revision: self.revision,
        })
    }
}
