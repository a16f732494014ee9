//! What PostgreSQL does in another way than SQLite: read beside `sqlite/dialect.rs`.

use diesel::QueryResult;
use diesel::dsl::sql;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};
use diesel_async::SimpleAsyncConnection;

use super::columns::DbTime;
use super::{Connection, Unit, advice};
use crate::application::ports::StoreResult;
use crate::infrastructure::store::error::{Trouble, meaning};

/// Begins a transaction. Statements see what was committed before each of them, whatever the server's default is.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// Rolls back. Without a transaction this is a mere warning; after a statement that still runs, it waits for it.
pub(super) async fn reset(connection: &mut Connection) -> QueryResult<()> {
    connection.batch_execute("ROLLBACK").await
}

/// What an SQLSTATE tells of (PostgreSQL, appendix A). The texts of errors are in the server's language.
pub(super) const fn trouble(code: [u8; 5]) -> Trouble {
    if let Some(advice) = advice::of_code(code) {
        return Trouble::Refused(advice);
    }
    match &code {
        // Told by diesel's own kind, except of the statements behind it in one flight, which fail for the same reason.
        b"23505" => Trouble::Conflict,
        // A failed serialisation, a deadlock, a lock that was not to be had in time.
        b"40001" | b"40P01" | b"55P03" => Trouble::Contention,
        // The server ends the connection: broken, shutting down, crashed, starting, its database or session gone; idle or
        // at work in a transaction for too long; no standby takes writes.
        [b'0', b'8', ..] | b"57P01" | b"57P02" | b"57P03" | b"57P04" | b"57P05" | b"25P03" | b"25P04" | b"25006" => {
            Trouble::Lost
        }
        // Cancelled, as after a time-out; no room on the disk, in memory or for connections; the disk or system failed.
        b"57014" | [b'5', b'3' | b'8', ..] => Trouble::Unavailable,
        _ => Trouble::Unexpected,
    }
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

/// One statement that inserts rows, except for those that a unique value stands in the way of, and returns what is in
/// the first column of the others. It has one array for each column: planning it costs the same for any number of rows.
macro_rules! inserting_all {
    ($rows:expr => $table:ident ($first:ident $(, $column:ident)*)) => {{
        use diesel::dsl::SqlTypeOf;
        use diesel::sql_types::Array;

        let columns = [stringify!($first) $(, stringify!($column))*];
        let arrays: Vec<String> = (1..=columns.len()).map(|number| format!("${number}")).collect();
        let query = diesel::sql_query(format!(
            "INSERT INTO {} ({}) SELECT * FROM unnest({}) ON CONFLICT DO NOTHING RETURNING {} AS id",
            stringify!($table),
            columns.join(", "),
            arrays.join(", "),
            columns[0],
        ));
        let query = query.bind::<Array<SqlTypeOf<$table::$first>>, _>($rows.iter().map(|row| &row.$first).collect::<Vec<_>>());
        $(let query = query.bind::<Array<SqlTypeOf<$table::$column>>, _>($rows.iter().map(|row| &row.$column).collect::<Vec<_>>());)*
        query
    }};
}
pub(super) use inserting_all;

/// Holds off other transactions that change keys or secrets.
pub(super) async fn lock_signing_keys(unit: &Unit) -> StoreResult<()> {
    unit.batch("SELECT pg_advisory_xact_lock(70190001)").await
}

/// The transactions in flight that may have taken a number of a table: those that hold the lock of whoever adds or
/// erases rows.
pub(super) async fn writers(unit: &Unit, table: &'static str) -> StoreResult<Vec<String>> {
    let locks = sql::<Array<Text>>(
        "ARRAY (SELECT virtualtransaction FROM pg_locks
        WHERE locktype = 'relation' AND mode = 'RowExclusiveLock'
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND relation = ",
    );
    let locks = locks.bind::<Text, _>(table).sql("::regclass)");
    meaning(unit.find(diesel::select(locks)).await?, "pg_locks")
}

/// Erases old events. The role of the service may not do so itself, so a function of the schema's owner does.
pub(super) async fn purge_audit_events(unit: &Unit, before: DbTime, limit: i64) -> StoreResult<usize> {
    let call = sql::<BigInt>("purge_audit_events(").bind::<Timestamptz, _>(before).sql(", ");
    let erased = unit.find(diesel::select(call.bind::<BigInt, _>(limit).sql(")"))).await?;
    meaning(erased.and_then(|count: i64| usize::try_from(count).ok()), "purge_audit_events")
}

/// Holds off other transactions that migrate, and gives changes of the schema the time they need.
pub(super) async fn lock_migrations(unit: &Unit) -> StoreResult<()> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_tell_what_to_do_about_an_error() {
        use Trouble::{Conflict, Contention, Lost, Unavailable, Unexpected};
        for (codes, expected) in [
            (&["23505"][..], Conflict),
            (&["40001", "40P01", "55P03"], Contention),
            (&["08000", "08006", "25006", "25P03", "25P04", "57P01", "57P02", "57P03", "57P04", "57P05"], Lost),
            (&["57014", "53000", "53100", "53200", "53300", "58000", "58030"], Unavailable),
            (&["23514", "42601", "22P02", "55000", "XX000", "XX001", "\0\0\0\0\0"], Unexpected),
        ] {
            for code in codes {
                assert_eq!(trouble(code.as_bytes().try_into().unwrap()), expected, "{code}");
            }
        }
        for (code, what) in [
            ("42501", "ipse migrate"),
            ("42P01", "ipse migrate"),
            ("42P05", "IPSE_DATABASE_POOLING"),
            ("26000", "IPSE_DATABASE_POOLING"),
        ] {
            let found = trouble(code.as_bytes().try_into().unwrap());
            assert!(matches!(found, Trouble::Refused(advice) if advice.contains(what)), "{code}");
        }
    }
}
