use async_trait::async_trait;
use diesel::prelude::*;

use super::backend::Unit;
use super::backend::columns::DbTime;
use super::backend::schema::server_secrets;
use crate::application::ports::{ServerSecrets, StoreResult};
use crate::domain::Timestamp;

#[async_trait]
impl ServerSecrets for Unit {
    async fn find_server_secret(&mut self, name: &str) -> StoreResult<Option<Vec<u8>>> {
        self.find(server_secrets::table.find(name).select(server_secrets::sealed)).await
    }

    async fn insert_server_secret(&mut self, name: &str, sealed: &[u8], now: Timestamp) -> StoreResult<()> {
        let values = (
            server_secrets::name.eq(name),
            server_secrets::sealed.eq(sealed),
            server_secrets::create_time.eq(DbTime(now)),
        );
        self.execute(diesel::insert_into(server_secrets::table).values(values).on_conflict_do_nothing()).await?;
        Ok(())
    }
}
