//! The databases that servers are put in front of, and how much each of them writes into its log.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use diesel::{Connection as _, RunQueryDsl as _, SqliteConnection};
use tokio::time::{Instant, sleep};
use tokio_postgres::{Client, Config, NoTls};

use crate::Failure;
use crate::options::StoreKind;
use crate::postgres::{self, Cluster};
use crate::relay::Relay;

/// What an operator would set on a server of this size, and durable. The log is long enough for the whole run, so that
/// pages are written as a whole only when they change first.
const POSTGRES_SETTINGS: &str = "
lc_messages = 'C'
shared_buffers = 256MB
fsync = on
synchronous_commit = on
full_page_writes = on
wal_level = replica
max_wal_size = 16GB
checkpoint_timeout = 1h
";
const MISSING: &str = "PostgreSQL is needed for `--store postgres`: no folder with initdb, pg_ctl and postgres was found; \
    `apt-get install postgresql`, name the folder in IPSE_TEST_POSTGRES_BIN, or measure with `--store sqlite` alone";
const DATABASE: &str = "load";

/// A database of its own, which goes away with this value.
pub(crate) enum Store {
    Sqlite { file: PathBuf },
    Postgres(Box<Postgres>),
}

/// A cluster, a connection to its database, and a relay to it.
pub(crate) struct Postgres {
    cluster: Cluster,
    port: u16,
    pub(crate) client: Client,
    relay: Relay,
}

impl Store {
    /// An empty database. What SQLite keeps, it keeps in the folder.
    pub(crate) async fn create(kind: StoreKind, folder: &Path) -> Result<Self, Failure> {
        if kind == StoreKind::Sqlite {
            return Ok(Self::Sqlite { file: folder.join("ipse.db") });
        }
        postgres::programs().ok_or(MISSING)?;
        let cluster = tokio::task::spawn_blocking(|| Cluster::start_with(POSTGRES_SETTINGS)).await?;
        let admin = connect(&cluster.url("postgres")).await?;
        admin.batch_execute(&format!("CREATE DATABASE {DATABASE}")).await?;
        let url = cluster.url(DATABASE);
        let port = *url.parse::<Config>()?.get_ports().first().ok_or("the cluster has no port")?;
        let (client, relay) = (connect(&url).await?, Relay::to(port)?);
        Ok(Self::Postgres(Box::new(Postgres { cluster, port, client, relay })))
    }

    /// The URL of the database; with the relay between, if there is one.
    pub(crate) fn url(&self, by_relay: bool) -> String {
        match self {
            Self::Sqlite { file } => format!("sqlite:{}", file.display()),
            Self::Postgres(postgres) => {
                let (url, port) = (postgres.cluster.url(DATABASE), postgres.port);
                if by_relay { url.replace(&format!(":{port}/"), &format!(":{}/", postgres.relay.port)) } else { url }
            }
        }
    }

    pub(crate) fn relay(&self) -> Option<&Relay> {
        match self {
            Self::Sqlite { .. } => None,
            Self::Postgres(postgres) => Some(&postgres.relay),
        }
    }

    /// Starts to count what is written into the log. Something must have been written shortly before.
    pub(crate) fn log(&self) -> Result<Log<'_>, Failure> {
        match self {
            Self::Sqlite { file } => Ok(Log::Sqlite(Wal::hold(file)?)),
            Self::Postgres(postgres) => Ok(Log::Postgres(&postgres.client)),
        }
    }
}

/// The log of a database.
pub(crate) enum Log<'a> {
    Sqlite(Wal),
    Postgres(&'a Client),
}

impl Log<'_> {
    /// How many bytes were ever written into it.
    pub(crate) async fn bytes(&self) -> Result<u64, Failure> {
        match self {
            Self::Sqlite(wal) => wal.bytes(),
            Self::Postgres(client) => {
                let position = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint";
                Ok(u64::try_from(client.query_one(position, &[]).await?.get::<_, i64>(0))?)
            }
        }
    }

    /// The same, once nothing has been written for a while: what a call leaves to be done later, such as mail, is done.
    pub(crate) async fn settled_bytes(&self) -> Result<u64, Failure> {
        let (quiet, most) = (Duration::from_millis(400), Duration::from_secs(10));
        let begun = Instant::now();
        let (mut bytes, mut since) = (self.bytes().await?, begun);
        while since.elapsed() < quiet && begun.elapsed() < most {
            sleep(Duration::from_millis(50)).await;
            let now = self.bytes().await?;
            if now != bytes {
                (bytes, since) = (now, Instant::now());
            }
        }
        Ok(bytes)
    }
}

/// The write-ahead log of SQLite, kept from being begun anew by somebody who reads.
pub(crate) struct Wal {
    index: PathBuf,
    _reader: SqliteConnection,
}

impl Wal {
    fn hold(file: &Path) -> Result<Self, Failure> {
        let mut reader = SqliteConnection::establish(&file.to_string_lossy())?;
        diesel::sql_query("BEGIN").execute(&mut reader)?;
        diesel::sql_query("SELECT count(*) FROM sqlite_schema").execute(&mut reader)?;
        let mut index = file.as_os_str().to_owned();
        index.push("-shm");
        Ok(Self { index: index.into(), _reader: reader })
    }

    /// As the header of its index tells: <https://sqlite.org/walformat.html>. Each frame is a page and 24 bytes.
    fn bytes(&self) -> Result<u64, Failure> {
        let mut header = [0; 20];
        File::open(&self.index)?.read_exact(&mut header)?;
        let page = u16::from_ne_bytes([header[14], header[15]]);
        let frames = u32::from_ne_bytes([header[16], header[17], header[18], header[19]]);
        Ok(u64::from(frames) * (u64::from(page) + FRAME_HEADER))
    }
}

const FRAME_HEADER: u64 = 24;

/// How many pages of SQLite's usual size are this many bytes of its log.
pub(crate) fn pages(bytes: f64) -> f64 {
    bytes / (4096.0 + 24.0)
}

async fn connect(url: &str) -> Result<Client, Failure> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    // It ends with the client.
    tokio::spawn(connection);
    Ok(client)
}
