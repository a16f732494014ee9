//! What SQLite does in another way than PostgreSQL: read beside `postgres/dialect.rs`.

use std::future::ready;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::result::Error;
use diesel::sql_types::BigInt;
use diesel_async::SimpleAsyncConnection;

use super::columns::DbTime;
use super::schema::audit_events;
use super::{Connection, Unit};
use crate::application::ports::StoreResult;
use crate::infrastructure::store::error::Trouble;

diesel::alias!(audit_events as old_events: OldEvents);

/// Begins a transaction and takes the write lock at once: a later upgrade would fail without waiting.
pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";

/// Empties the log, which holds what the file held before; unless somebody still reads it, and then it has to wait for
/// the next time. Erased rows of the file itself are overwritten as they are erased (`secure_delete`).
/// Statistics of what is in the tables are refreshed on the way: without them, a filter for a rare value would walk all.
pub(super) const CHECKPOINT: &str = "PRAGMA analysis_limit = 1000; PRAGMA optimize; PRAGMA busy_timeout = 0;
    PRAGMA wal_checkpoint(TRUNCATE); PRAGMA busy_timeout = 5000;";

/// Rolls back, after a statement that still runs. Without a transaction there is nothing to do.
pub(super) async fn reset(connection: &mut Connection) -> QueryResult<()> {
    match connection.get_mut().batch_execute("ROLLBACK").await {
        Err(Error::DatabaseError(_, why)) if why.message().contains("no transaction is active") => Ok(()),
        outcome => outcome,
    }
}

/// What the text of an error tells of. diesel has no codes of it, but SQLite is a part of this program and has one text
/// for each of them, in one language.
pub(super) fn trouble(message: &str) -> Trouble {
    match message {
        "database is locked" => Trouble::Contention,
        table if table.starts_with("database table is locked") => Trouble::Contention,
        "database or disk is full" | "disk I/O error" | "unable to open database file" => Trouble::Unavailable,
        _ => Trouble::Unexpected,
    }
}

/// The one writer needs no lock on rows.
macro_rules! claiming {
    ($query:expr) => {
        $query
    };
}
pub(super) use claiming;

/// The one writer needs no lock on rows.
macro_rules! queueing {
    ($query:expr) => {
        $query
    };
}
pub(super) use queueing;

/// One statement that inserts rows, except for those that a unique value stands in the way of, and returns what is in
/// the first column of the others. There are no arrays, so it has each value of each row.
macro_rules! inserting_all {
    ($rows:expr => $table:ident ($first:ident $(, $column:ident)*)) => {{
        use diesel::dsl::SqlTypeOf;

        let columns = [stringify!($first) $(, stringify!($column))*];
        let row = format!("({})", vec!["?"; columns.len()].join(", "));
        let mut query = diesel::sql_query(format!(
            "INSERT INTO {} ({}) VALUES {} ON CONFLICT DO NOTHING RETURNING {} AS id",
            stringify!($table),
            columns.join(", "),
            vec![row; $rows.len()].join(", "),
            columns[0],
        ))
        .into_boxed::<diesel::sqlite::Sqlite>();
        for row in &$rows {
            query = query.bind::<SqlTypeOf<$table::$first>, _>(&row.$first);
            $(query = query.bind::<SqlTypeOf<$table::$column>, _>(&row.$column);)*
        }
        query
    }};
}
pub(super) use inserting_all;

/// The one writer needs no lock.
pub(super) fn lock_signing_keys(_: &Unit) -> impl Future<Output = StoreResult<()>> {
    ready(Ok(()))
}

/// The one writer ends before another takes a number: there is nobody to wait for.
pub(super) fn writers(_: &Unit, _: &str) -> impl Future<Output = StoreResult<Vec<String>>> {
    ready(Ok(Vec::new()))
}

/// Erases old events. A trigger refuses the young ones, so they are left out here.
pub(super) async fn purge_audit_events(unit: &Unit, before: DbTime, limit: i64) -> StoreResult<usize> {
    let old_enough = sql::<BigInt>("CAST((unixepoch('subsec') - 30 * 86400) * 1000000 AS integer)");
    let old = old_events
        .filter(old_events.field(audit_events::time).lt(before))
        .filter(old_events.field(audit_events::time).le(old_enough))
        .select(old_events.field(audit_events::sequence))
        .order(old_events.field(audit_events::time))
        .limit(limit);
    unit.execute(diesel::delete(audit_events::table.filter(audit_events::sequence.eq_any(old)))).await
}

/// The one writer needs no lock.
pub(super) fn lock_migrations(_: &Unit) -> impl Future<Output = StoreResult<()>> {
    ready(Ok(()))
}

/// Whether the table of migrations exists.
pub(super) const HAS_MIGRATIONS_TABLE: &str =
    "EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations')";

/// Makes the table of migrations.
pub(super) const CREATE_MIGRATIONS_TABLE: &str = "CREATE TABLE schema_migrations (
    name text NOT NULL PRIMARY KEY,
    checksum blob NOT NULL,
    apply_time integer NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000000 AS integer))
) STRICT";
