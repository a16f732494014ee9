//! Fresh databases of both kinds, and a way into them past the store.

use std::hash::{BuildHasher, DefaultHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{fs, thread};

use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use ipse::application::ports::Store;
use ipse::domain::secret::Secret;
use ipse::infrastructure::store::{self, DatabaseSettings, DatabaseUrl, migrations};
use tempfile::TempDir;
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use super::postgres;

/// The two kinds of databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Sqlite,
    Postgres,
}

/// A database of one test, erased when dropped.
pub(crate) struct Database {
    pub backend: Backend,
    pub settings: DatabaseSettings,
    /// Where the file is, erased when dropped.
    directory: Option<TempDir>,
    /// The name on the server, and the right to be one of a few there.
    name: Option<(String, SemaphorePermit<'static>)>,
    /// Roles on the server, erased after the database.
    roles: Mutex<Vec<String>>,
}

/// Connections of one test's store.
const CONNECTIONS: usize = 5;
/// How long a store waits on a machine that is busy with many tests.
const PATIENCE: Duration = Duration::from_secs(60);
/// How many databases tests may have on the server at the same time, as it takes 200 connections from all of them.
static ROOM: Semaphore = Semaphore::const_new(16);

impl Database {
    /// A database without tables.
    pub(crate) async fn empty(backend: Backend) -> Self {
        match backend {
            Backend::Sqlite => Self::in_directory(),
            Backend::Postgres => Self::on_server("template0").await,
        }
    }

    /// A PostgreSQL database without tables, with further words of `CREATE DATABASE`.
    pub(crate) async fn empty_with(options: &str) -> Self {
        Self::on_server(&format!("template0 {options}")).await
    }

    /// A database with the newest schema and no rows.
    pub(crate) async fn migrated(backend: Backend) -> Self {
        match backend {
            Backend::Sqlite => {
                let database = Self::in_directory();
                migrations::run(&database.settings).await.unwrap();
                database
            }
            Backend::Postgres => {
                static TEMPLATE: OnceCell<String> = OnceCell::const_new();
                Self::on_server(TEMPLATE.get_or_init(template).await).await
            }
        }
    }

    /// A store on it.
    pub(crate) async fn store(&self) -> Arc<dyn Store> {
        store::connect(&self.settings, Arc::new(())).await.unwrap()
    }

    /// A connection of its own, as another program would have.
    pub(crate) async fn outsider(&self) -> Outsider {
        match &self.settings.url {
            DatabaseUrl::Sqlite(path) => {
                let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
                connection.batch_execute("PRAGMA busy_timeout = 10000").unwrap();
                Outsider::Sqlite(connection)
            }
            DatabaseUrl::Postgres(url) => Outsider::Postgres(client(url.expose()).await),
        }
    }

    /// A role of PostgreSQL that may sign in, with its name as its password. It is erased with the database.
    pub(crate) async fn new_role(&self) -> String {
        let role = format!("ipse_role_{:016x}", RandomState::new().build_hasher().finish());
        let create = format!("CREATE ROLE {role} LOGIN PASSWORD '{role}'");
        client(&postgres::shared_url("postgres")).await.batch_execute(&create).await.unwrap();
        self.roles.lock().unwrap().push(role.clone());
        role
    }

    /// The directory that an SQLite database has for itself.
    pub(crate) fn directory(&self) -> Option<&Path> {
        self.directory.as_ref().map(TempDir::path)
    }

    fn in_directory() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let settings = settings(DatabaseUrl::Sqlite(directory.path().join("ipse.db")));
        Self { backend: Backend::Sqlite, settings, directory: Some(directory), name: None, roles: Mutex::default() }
    }

    async fn on_server(template: &str) -> Self {
        let room = ROOM.acquire().await.unwrap();
        let name = format!("ipse_test_{:016x}", RandomState::new().build_hasher().finish());
        let admin = client(&postgres::shared_url("postgres")).await;
        admin.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await.unwrap();
        let settings = settings(DatabaseUrl::Postgres(Secret::new(postgres::store_url(&name))));
        Self {
            backend: Backend::Postgres,
            settings,
            directory: None,
            name: Some((name, room)),
            roles: Mutex::default(),
        }
    }
}

fn settings(url: DatabaseUrl) -> DatabaseSettings {
    DatabaseSettings {
        max_connections: CONNECTIONS,
        acquire_timeout: PATIENCE,
        statement_timeout: PATIENCE,
        lock_timeout: PATIENCE,
        ..DatabaseSettings::new(url)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some((name, _)) = &self.name {
            let mut statements = vec![format!("DROP DATABASE {name} WITH (FORCE)")];
            statements.extend(self.roles.get_mut().unwrap().iter().map(|role| format!("DROP ROLE {role}")));
            // A thread, as the runtime of the test is busy with this very drop.
            let dropped = thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let client = client(&postgres::shared_url("postgres")).await;
                    for statement in statements {
                        client.batch_execute(&statement).await.unwrap();
                    }
                });
            });
            assert!(dropped.join().is_ok() || thread::panicking(), "{name} could not be dropped");
        }
    }
}

/// A connection past the store.
pub(crate) enum Outsider {
    Sqlite(SqliteConnection),
    Postgres(Client),
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    value: String,
}

impl Outsider {
    /// Runs statements.
    pub(crate) async fn execute(&mut self, sql: &str) {
        match self {
            Self::Sqlite(connection) => connection.batch_execute(sql).unwrap(),
            Self::Postgres(client) => client.batch_execute(sql).await.unwrap(),
        }
    }

    /// Runs statements: what the database says if it refuses, PostgreSQL with its code first.
    pub(crate) async fn try_execute(&mut self, sql: &str) -> Result<(), String> {
        match self {
            Self::Sqlite(connection) => connection.batch_execute(sql).map_err(|error| error.to_string()),
            Self::Postgres(client) => {
                let told = |error: tokio_postgres::Error| {
                    error.as_db_error().map(|told| format!("{} {}", told.code().code(), told.message())).unwrap()
                };
                client.batch_execute(sql).await.map_err(told)
            }
        }
    }

    /// Runs a query of one text column named `value`.
    pub(crate) async fn values(&mut self, sql: &str) -> Vec<String> {
        match self {
            Self::Sqlite(connection) => {
                sql_query(sql).load::<Row>(connection).unwrap().into_iter().map(|row| row.value).collect()
            }
            Self::Postgres(client) => {
                let rows = client.simple_query(sql).await.unwrap();
                let value = |message| match message {
                    SimpleQueryMessage::Row(row) => row.get("value").map(str::to_owned),
                    _ => None,
                };
                rows.into_iter().filter_map(value).collect()
            }
        }
    }
}

/// The directory of one kind's migrations.
pub(crate) fn migrations_directory(backend: Backend) -> PathBuf {
    let name = match backend {
        Backend::Sqlite => "migrations/sqlite",
        Backend::Postgres => "migrations/postgres",
    };
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("PostgreSQL can be reached");
    tokio::spawn(connection);
    client
}

/// The name of a database with the newest schema, to be copied. The name tells the schema, so that one given server
/// holds one such database for all runs; the lock is for runs at the same time.
async fn template() -> String {
    let name = format!("ipse_template_{:016x}", migrations_hash());
    let admin = client(&postgres::shared_url("postgres")).await;
    admin.batch_execute("SELECT pg_advisory_lock(7305803)").await.unwrap();
    if admin.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&name]).await.unwrap().is_none() {
        let draft = format!("{name}_draft");
        admin.batch_execute(&format!("DROP DATABASE IF EXISTS {draft} WITH (FORCE)")).await.unwrap();
        admin.batch_execute(&format!("CREATE DATABASE {draft} TEMPLATE template0")).await.unwrap();
        let url = DatabaseUrl::Postgres(Secret::new(postgres::shared_url(&draft)));
        migrations::run(&DatabaseSettings::new(url)).await.unwrap();
        // The clock of the tests is not that of the database.
        let owner = client(&postgres::shared_url(&draft)).await;
        owner.batch_execute("UPDATE audit_rules SET clock_tolerance = interval '1000 years'").await.unwrap();
        drop(owner);
        admin.batch_execute(&format!("ALTER DATABASE {draft} RENAME TO {name}")).await.unwrap();
    }
    name
}

fn migrations_hash() -> u64 {
    let mut files: Vec<PathBuf> = fs::read_dir(migrations_directory(Backend::Postgres))
        .unwrap()
        .map(|entry| entry.unwrap().path().join("up.sql"))
        .collect();
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        hasher.write(&fs::read(file).unwrap());
    }
    hasher.finish()
}
