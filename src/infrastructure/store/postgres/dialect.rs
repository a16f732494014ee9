//! What PostgreSQL does in another way than SQLite: read beside `sqlite/dialect.rs`.

use diesel::QueryResult;
use diesel::dsl::sql;
use diesel::sql_types::{BigInt, Timestamptz};
use diesel_async::SimpleAsyncConnection;

use super::columns::DbTime;
use super::{Connection, Unit};
use crate::application::ports::StoreResult;
use crate::infrastructure::store::error::meaning;

/// Begins a transaction. Statements see what was committed before each of them, whatever the server's default is.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// Rolls back. Without a transaction this is a mere warning; after a statement that still runs, it waits for it.
pub(super) async fn reset(connection: &mut Connection) -> QueryResult<()> {
    connection.batch_execute("ROLLBACK").await
}

/// Locks the selected rows for this transaction and passes over those that others have locked.
macro_rules! claiming {
    ($query:expr) => {
        $query.for_update().skip_locked()
    };
}
pub(super) use claiming;

/// Locks the selected rows against others who do the same. Weaker than the lock of a foreign key's check, which two
/// transactions may both hold already: anything stronger could deadlock.
macro_rules! queueing {
    ($query:expr) => {
        $query.for_no_key_update()
    };
}
pub(super) use queueing;

/// Holds off other transactions that change keys or secrets.
pub(super) async fn lock_signing_keys(unit: &mut Unit) -> StoreResult<()> {
    unit.batch("SELECT pg_advisory_xact_lock(70190001)").await
}

/// A mark above the ids of all transactions that have one by now, of which each that adds to the audit trail does before
/// it takes a number. Not the end of a snapshot, which may lie below the id of a transaction that goes on.
pub(super) async fn mark_transactions(unit: &mut Unit) -> StoreResult<i64> {
    scalar(unit, "CAST(CAST(pg_current_xact_id() AS text) AS bigint)").await
}

/// Whether all transactions below the mark have ended.
pub(super) async fn have_ended(unit: &mut Unit, mark: i64) -> StoreResult<bool> {
    Ok(scalar(unit, "CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)").await? >= mark)
}

/// Erases old events. The role of the service may not do so itself, so a function of the schema's owner does.
pub(super) async fn purge_audit_events(unit: &mut Unit, before: DbTime, limit: i64) -> StoreResult<usize> {
    let call = sql::<BigInt>("purge_audit_events(").bind::<Timestamptz, _>(before).sql(", ");
    let erased = unit.find(diesel::select(call.bind::<BigInt, _>(limit).sql(")"))).await?;
    meaning(erased.and_then(|count: i64| usize::try_from(count).ok()), "purge_audit_events")
}

async fn scalar(unit: &mut Unit, expression: &'static str) -> StoreResult<i64> {
    let found = unit.find(diesel::select(sql::<BigInt>(expression))).await?;
    meaning(found, expression)
}

/// Holds off other transactions that migrate, and gives changes of the schema the time they need.
pub(super) async fn lock_migrations(unit: &mut Unit) -> StoreResult<()> {
    unit.batch(
        "SET LOCAL statement_timeout = 0;
         SET LOCAL lock_timeout = '1min';
         SELECT pg_advisory_xact_lock(70190002)",
    )
    .await
}

/// Whether the table of migrations exists.
pub(super) const HAS_MIGRATIONS_TABLE: &str = "to_regclass('schema_migrations') IS NOT NULL";

/// Makes the table of migrations.
pub(super) const CREATE_MIGRATIONS_TABLE: &str = "CREATE TABLE schema_migrations (
    name text COLLATE \"C\" PRIMARY KEY,
    checksum bytea NOT NULL,
    apply_time timestamptz NOT NULL DEFAULT now()
)";
