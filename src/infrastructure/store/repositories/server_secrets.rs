use async_trait::async_trait;
use diesel::prelude::*;

use super::backend::Unit;
use super::backend::columns::DbTime;
use super::backend::schema::server_secrets;
use crate::application::ports::{ServerSecrets, StoreResult, StoredSecret};

#[async_trait]
impl ServerSecrets for Unit {
    async fn list_server_secrets(&self) -> StoreResult<Vec<StoredSecret>> {
        let query = server_secrets::table
            .select((server_secrets::name, server_secrets::sealed, server_secrets::create_time))
            .order((server_secrets::create_time, server_secrets::name));
        let rows: Vec<(String, Vec<u8>, DbTime)> = self.load(query).await?;
        let stored = |(name, sealed, DbTime(create_time))| StoredSecret { name, sealed, create_time };
        Ok(rows.into_iter().map(stored).collect())
    }

    async fn insert_server_secret(&self, secret: &StoredSecret) -> StoreResult<()> {
        let values = (
            server_secrets::name.eq(&secret.name),
            server_secrets::sealed.eq(&secret.sealed),
            server_secrets::create_time.eq(DbTime(secret.create_time)),
        );
        self.execute(diesel::insert_into(server_secrets::table).values(values).on_conflict_do_nothing()).await?;
        Ok(())
    }

    async fn delete_server_secret(&self, name: &str) -> StoreResult<()> {
        self.execute(diesel::delete(server_secrets::table.find(name))).await?;
        Ok(())
    }
}
