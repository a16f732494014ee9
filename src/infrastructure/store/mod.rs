//! The stores: PostgreSQL and SQLite.
//!
//! Every query is written once, in `repositories`, and compiled for each backend against that backend's own
//! connection, `schema` and `columns`. What truly differs stands in the two files `dialect.rs`.

mod audit_guard;
pub mod backup;
mod commit_order;
mod error;
mod kept;
pub mod migrations;
mod pool;
mod postgres;
mod settings;
mod sqlite;
mod statement;
mod unit;
mod wait_limit;

use std::sync::Arc;

pub use audit_guard::AuditGuard;
pub use postgres::Pooling;
pub use settings::{DatabaseSettings, DatabaseUrl, InvalidDatabaseUrl};

use crate::application::ports::{ChangeSink, Store, StoreResult};

/// A store on this database, which tells `sink` of the access changes that it commits. Connections are opened when they
/// are needed; the schema is expected to be in place.
pub async fn connect(settings: &DatabaseSettings, sink: Arc<dyn ChangeSink>) -> StoreResult<Arc<dyn Store>> {
    Ok(match &settings.url {
        DatabaseUrl::Postgres(url) => Arc::new(postgres::PostgresStore::new(url, settings, sink).await?),
        DatabaseUrl::Sqlite(path) => Arc::new(sqlite::SqliteStore::new(path, settings, sink).await?),
    })
}
