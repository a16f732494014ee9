use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::backend::schema::schema_migrations;
use super::backend::{Unit, dialect};
use crate::application::ports::StoreResult;
use crate::infrastructure::store::migrations::{Migration, MigrationError, MigrationStatus, compare};

/// Which migrations the database has.
pub(in super::super) async fn status(unit: &mut Unit, known: &[Migration]) -> Result<MigrationStatus, MigrationError> {
    let recorded = if has_table(unit).await? { recorded(unit).await? } else { Vec::new() };
    compare(known, recorded)
}

/// Applies the first migration that is pending, if any. The status afterwards.
pub(in super::super) async fn apply_next(
    mut unit: Unit,
    known: &[Migration],
) -> Result<MigrationStatus, MigrationError> {
    dialect::lock_migrations(&mut unit).await?;
    if !has_table(&mut unit).await? {
        unit.batch(dialect::CREATE_MIGRATIONS_TABLE).await?;
    }
    let status = compare(known, recorded(&mut unit).await?)?;
    let Some(next) = known.iter().find(|migration| status.pending.iter().any(|name| name == migration.name)) else {
        return Ok(status);
    };
    unit.batch(next.sql).await?;
    let record = (schema_migrations::name.eq(next.name), schema_migrations::checksum.eq(next.checksum()));
    unit.execute(diesel::insert_into(schema_migrations::table).values(record)).await?;
    let status = compare(known, recorded(&mut unit).await?)?;
    unit.commit().await?;
    Ok(status)
}

async fn has_table(unit: &mut Unit) -> StoreResult<bool> {
    let found = unit.find(diesel::select(sql::<Bool>(dialect::HAS_MIGRATIONS_TABLE))).await?;
    Ok(found.unwrap_or(false))
}

async fn recorded(unit: &mut Unit) -> StoreResult<Vec<(String, Vec<u8>)>> {
    let columns = (schema_migrations::name, schema_migrations::checksum);
    unit.load(schema_migrations::table.select(columns).order(schema_migrations::name)).await
}
