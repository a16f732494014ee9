use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::backend::schema::schema_migrations;
use super::backend::{Connector, Unit, dialect};
use crate::application::ports::StoreResult;
use crate::infrastructure::store::migrations::{Migration, MigrationError, MigrationStatus, compare};
use crate::infrastructure::store::pool::Connections;
use crate::infrastructure::store::wait_limit::WaitLimit;

/// Which migrations the database has.
pub(in super::super) async fn status(unit: &Unit, embedded: &[Migration]) -> Result<MigrationStatus, MigrationError> {
    let recorded = if has_table(unit).await? { recorded(unit).await? } else { Vec::new() };
    compare(embedded, recorded)
}

/// Applies what is pending, each migration in a transaction of its own.
pub(in super::super) async fn run(
    connections: &Connections<Connector>,
    embedded: &[Migration],
) -> Result<MigrationStatus, MigrationError> {
    loop {
        let mut unit = connections.write().await?;
        unit.set_limit(WaitLimit::none());
        dialect::lock_migrations(&unit).await?;
        if !has_table(&unit).await? {
            unit.batch(dialect::CREATE_MIGRATIONS_TABLE).await?;
        }
        let status = compare(embedded, recorded(&unit).await?)?;
        let next = embedded.iter().find(|migration| status.pending.iter().any(|name| name == migration.name));
        if let Some(migration) = next {
            apply(&unit, migration).await?;
        }
        unit.commit().await?;
        if next.is_none() {
            return Ok(status);
        }
    }
}

async fn apply(unit: &Unit, migration: &Migration) -> StoreResult<()> {
    unit.batch(migration.sql).await?;
    let record = (schema_migrations::name.eq(migration.name), schema_migrations::checksum.eq(migration.checksum()));
    unit.execute(diesel::insert_into(schema_migrations::table).values(record)).await?;
    Ok(())
}

async fn has_table(unit: &Unit) -> StoreResult<bool> {
    let found = unit.find(diesel::select(sql::<Bool>(dialect::HAS_MIGRATIONS_TABLE))).await?;
    Ok(found.unwrap_or(false))
}

async fn recorded(unit: &Unit) -> StoreResult<Vec<(String, Vec<u8>)>> {
    let columns = (schema_migrations::name, schema_migrations::checksum);
    unit.load(schema_migrations::table.select(columns).order(schema_migrations::name)).await
}
