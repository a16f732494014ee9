//! The two sets of migrations: applied in order, once, and alike.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ipse::application::ports::{SealedPlace, Sealer as _};
use ipse::domain::id::JobId;
use ipse::domain::secret::SecretKey;
use ipse::infrastructure::secret_box::SecretBox;
use ipse::infrastructure::store::migrations::{self, MigrationError};
use sha2::{Digest as _, Sha256};

use crate::support::database::{Backend, Database, migrations_directory};
use crate::support::hex::hex;
use crate::support::on_both_backends;
use crate::support::person::token_in;
use crate::support::world::{MASTER_KEY, START, World};

const NEW_KEY: [u8; 32] = *b"abcdefghijklmnopqrstuv0123456789";

on_both_backends! {
    Database::empty =>
    an_empty_database_has_everything_pending
    a_run_applies_everything_in_order
    a_second_run_changes_nothing
    parallel_runs_all_succeed
    an_unknown_migration_is_a_newer_schema
    a_changed_migration_is_refused
    mail_that_waited_before_there_were_jobs_is_delivered
}

/// The names of one kind's migrations, in order.
fn names(backend: Backend) -> Vec<String> {
    let entries = fs::read_dir(migrations_directory(backend)).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn both_kinds_have_the_same_migrations() {
    assert_eq!(names(Backend::Sqlite), names(Backend::Postgres));
    for (expected, name) in (1..).zip(names(Backend::Sqlite)) {
        let (number, _) = name.split_once('_').unwrap();
        assert_eq!(number, format!("{expected:04}"), "{name}");
    }
}

async fn an_empty_database_has_everything_pending(database: Database) {
    let status = migrations::status(&database.settings).await.unwrap();
    assert_eq!(status.applied, Vec::<String>::new());
    assert_eq!(status.pending, names(database.backend));
}

async fn a_run_applies_everything_in_order(database: Database) {
    migrations::run(&database.settings).await.unwrap();
    let status = migrations::status(&database.settings).await.unwrap();
    assert_eq!(status.applied, names(database.backend));
    assert_eq!(status.pending, Vec::<String>::new());
    database.store().await.ping().await.unwrap();
}

async fn a_second_run_changes_nothing(database: Database) {
    migrations::run(&database.settings).await.unwrap();
    let before = recorded(&database).await;
    migrations::run(&database.settings).await.unwrap();
    assert_eq!(recorded(&database).await, before);
    assert_eq!(before.len(), names(database.backend).len());
}

/// The rows that tell what was applied, and when.
async fn recorded(database: &Database) -> Vec<String> {
    let rows = "SELECT name || ' ' || CAST(apply_time AS TEXT) AS value FROM schema_migrations ORDER BY name";
    database.outsider().await.values(rows).await
}

async fn parallel_runs_all_succeed(database: Database) {
    let run = || {
        let settings = database.settings.clone();
        tokio::spawn(async move { migrations::run(&settings).await })
    };
    let runs: Vec<_> = (0..4).map(|_| run()).collect();
    for run in runs {
        run.await.unwrap().unwrap();
    }
    assert_eq!(recorded(&database).await.len(), names(database.backend).len());
}

async fn an_unknown_migration_is_a_newer_schema(database: Database) {
    migrations::run(&database.settings).await.unwrap();
    let rename = "UPDATE schema_migrations SET name = '9999_future' WHERE name = '0001_initial'";
    database.outsider().await.execute(rename).await;
    let run = migrations::run(&database.settings).await;
    assert!(matches!(run, Err(MigrationError::NewerSchema { .. })), "{run:?}");
    let status = migrations::status(&database.settings).await;
    assert!(matches!(status, Err(MigrationError::NewerSchema { .. })), "{status:?}");
}

async fn a_changed_migration_is_refused(database: Database) {
    migrations::run(&database.settings).await.unwrap();
    let change = "UPDATE schema_migrations SET checksum = substr(checksum, 2)";
    database.outsider().await.execute(change).await;
    let run = migrations::run(&database.settings).await;
    let first = names(database.backend).remove(0);
    assert!(matches!(&run, Err(MigrationError::ChangedMigration { name }) if *name == first), "{run:?}");
}

#[tokio::test]
async fn a_database_that_cannot_hold_every_text_is_refused() {
    for encoding in ["SQL_ASCII", "LATIN1", "WIN1252", "EUC_JP"] {
        let database = Database::empty_with(&format!("ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'")).await;
        for refused in [migrations::status(&database.settings).await, migrations::run(&database.settings).await] {
            let refused = refused.unwrap_err();
            assert!(matches!(&refused, MigrationError::Encoding { found } if found == encoding), "{refused}");
            assert!(refused.to_string().contains("ENCODING 'UTF8'"), "{refused}");
        }
        assert_eq!(
            database
                .outsider()
                .await
                .values("SELECT tablename AS value FROM pg_tables WHERE schemaname = 'public'")
                .await
                .len(),
            0
        );
    }
}

/// Brings an empty database to the schema that ended with a migration, as the version of that time did.
pub(crate) async fn migrate_up_to(database: &Database, last: &str) {
    let mut outsider = database.outsider().await;
    let (table, value) = match database.backend {
        Backend::Sqlite => ("name text NOT NULL PRIMARY KEY, checksum blob NOT NULL", "X"),
        Backend::Postgres => ("name text COLLATE \"C\" PRIMARY KEY, checksum bytea NOT NULL", "\\x"),
    };
    let time = match database.backend {
        Backend::Sqlite => "apply_time integer NOT NULL DEFAULT 0) STRICT",
        Backend::Postgres => "apply_time timestamptz NOT NULL DEFAULT now())",
    };
    outsider.execute(&format!("CREATE TABLE schema_migrations ({table}, {time}")).await;
    for name in names(database.backend).into_iter().take_while(|name| name.as_str() <= last) {
        let sql = fs::read_to_string(migrations_directory(database.backend).join(&name).join("up.sql")).unwrap();
        outsider.execute(&sql).await;
        let digest: String = hex(&Sha256::digest(&sql));
        let checksum = match database.backend {
            Backend::Sqlite => format!("{value}'{digest}'"),
            Backend::Postgres => format!("'{value}{digest}'"),
        };
        outsider
            .execute(&format!("INSERT INTO schema_migrations (name, checksum) VALUES ('{name}', {checksum})"))
            .await;
    }
}

/// Mail in the form in which the version before jobs kept it: what it sealed opens, and none is lost.
async fn mail_that_waited_before_there_were_jobs_is_delivered(database: Database) {
    migrate_up_to(&database, "0008_service_accounts").await;
    let secret_box = SecretBox::new(&SecretKey::new(MASTER_KEY), &[]).unwrap();
    let mut outsider = database.outsider().await;
    let micros = START.unix_timestamp() * 1_000_000;
    for (number, content) in [
        (1, r#"{"kind":"reset_password","token":"the-token"}"#),
        (2, r#"{"kind":"welcome"}"#),
        (3, r#"{"kind":"verify_email","token":"another-token"}"#),
    ] {
        let id = format!("01890a5d-ac96-774b-bcce-b302099a800{number}");
        let mail = format!(
            r#"{{"recipient":"person{number}@example.com","display_name":"Ada","locale":"de","content":{content}}}"#
        );
        let sealed = secret_box.seal(&SealedPlace::Job(JobId::parse(&id).unwrap()), mail.as_bytes()).unwrap();
        let sealed: String = hex(&sealed);
        let (kind, attempts) = (["reset_password", "welcome", "verify_email"][number - 1], number - 1);
        let row = match database.backend {
            Backend::Sqlite => {
                format!("X'{}', '{kind}', X'{sealed}', {micros}, {attempts}, {micros}", id.replace('-', ""))
            }
            Backend::Postgres => {
                format!(
                    "'{id}', '{kind}', '\\x{sealed}', to_timestamp({micros} / 1000000), {attempts}, to_timestamp({micros} / 1000000)"
                )
            }
        };
        let columns = "id, kind, sealed, create_time, attempts, next_attempt_time";
        outsider.execute(&format!("INSERT INTO mail_outbox ({columns}) VALUES ({row})")).await;
    }
    migrations::run(&database.settings).await.unwrap();
    assert!(outsider.try_execute("SELECT 1 FROM mail_outbox").await.is_err());
    let lanes =
        outsider.values("SELECT kind || ' ' || lane || ' ' || CAST(attempts AS text) AS value FROM jobs ORDER BY id");
    let expected = ["token_mail mail.token 0", "notice_mail mail.notice 1", "token_mail mail.token 2"];
    assert_eq!(lanes.await, expected);

    // The master key changes before they are delivered.
    let new_key = STANDARD.encode(NEW_KEY);
    let settings = [format!("MASTER_KEY={new_key}"), format!("OTHER_MASTER_KEYS={}", STANDARD.encode(MASTER_KEY))];
    let world = World::on(database, &settings.each_ref().map(String::as_str)).await;
    let tables = world.replica().keys.rewrap(&mut |_| ()).await.unwrap();
    let jobs = tables.iter().find(|table| table.table == "jobs").unwrap();
    assert_eq!((jobs.resealed, jobs.left), (3, 0));
    let world = world.restart_with(&[&format!("MASTER_KEY={new_key}")]).await;
    let mut mails = world.mails().await;
    mails.sort_by_key(|mail| mail.id);
    let told: Vec<_> = mails.iter().map(|mail| (mail.recipient.written(), mail.content.kind())).collect();
    let expected = [
        ("person1@example.com", "reset_password"),
        ("person2@example.com", "welcome"),
        ("person3@example.com", "verify_email"),
    ];
    assert_eq!(told, expected);
    assert_eq!(token_in(&mails[0]), "the-token");
    assert_eq!(mails[0].id.to_string(), "01890a5d-ac96-774b-bcce-b302099a8001", "the name it had before");
    assert_eq!(world.count("jobs").await, 0);
}

#[tokio::test]
async fn nobody_else_may_read_an_sqlite_file() {
    let database = Database::empty(Backend::Sqlite).await;
    migrations::run(&database.settings).await.unwrap();
    let store = database.store().await;
    store.ping().await.unwrap();
    let files: Vec<_> = fs::read_dir(database.directory().unwrap()).unwrap().map(Result::unwrap).collect();
    assert!(!files.is_empty());
    for file in files {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", file.file_name());
    }
}

const SQLITE_COLUMNS: &str = "SELECT tables.name || '.' || columns.name AS value FROM sqlite_schema AS tables, \
     pragma_table_xinfo(tables.name) AS columns WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite%'";
const POSTGRES_COLUMNS: &str =
    "SELECT table_name || '.' || column_name AS value FROM information_schema.columns WHERE table_schema = 'public'";

async fn values(database: &Database, sql: &str) -> Vec<String> {
    let mut values = database.outsider().await.values(sql).await;
    values.sort();
    values
}

#[tokio::test]
async fn both_kinds_have_the_same_tables_and_columns() {
    let sqlite = values(&Database::migrated(Backend::Sqlite).await, SQLITE_COLUMNS).await;
    let mut postgres = values(&Database::migrated(Backend::Postgres).await, POSTGRES_COLUMNS).await;
    // What PostgreSQL holds against the role that the service runs as: SQLite has no roles.
    postgres.retain(|column| !column.starts_with("audit_rules."));
    assert_eq!(sqlite, postgres);
    assert!(sqlite.contains(&"users.id".to_owned()), "{sqlite:?}");
}

/// SQLite keeps the declared types in STRICT tables only.
#[tokio::test]
async fn sqlite_tables_are_strict() {
    let lax = "SELECT name AS value FROM pragma_table_list WHERE schema = 'main' AND type = 'table' \
         AND strict = 0 AND name NOT LIKE 'sqlite%'";
    assert_eq!(values(&Database::migrated(Backend::Sqlite).await, lax).await, Vec::<String>::new());
}

/// Both databases have to find and sort text alike, whatever the locale of the server.
#[tokio::test]
async fn postgres_indexes_text_by_its_bytes() {
    let localised = "SELECT attrelid::regclass || '.' || attname AS value FROM pg_index \
         JOIN pg_class ON pg_class.oid = indrelid AND relnamespace = 'public'::regnamespace \
         JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey) \
         JOIN pg_collation ON pg_collation.oid = attcollation WHERE collname <> 'C'";
    assert_eq!(values(&Database::migrated(Backend::Postgres).await, localised).await, Vec::<String>::new());
}
