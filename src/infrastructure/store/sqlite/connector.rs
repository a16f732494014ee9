//! Opens connections to a SQLite file.

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, RecycleResult};
use diesel::sqlite::Sqlite;
use diesel::{Connection as _, QueryResult, SqliteConnection};
use diesel_async::SimpleAsyncConnection;
use diesel_async::sync_connection_wrapper::SyncConnectionWrapper;
use tokio::sync::{Mutex, MutexGuard};

use super::dialect;
use super::in_order::InOrder;
use crate::application::ports::{StoreError, StoreResult};
use crate::infrastructure::store::error::{Trouble, from_diesel, unavailable};
use crate::infrastructure::store::unit::Backend;

/// For every connection. The cache is small, as the operating system caches the file as well.
const SETUP: &str = "PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON; PRAGMA cache_size = -512;";
/// For the writer. FULL syncs the log at each commit: an acknowledged change survives a loss of power. NORMAL would keep
/// it through a crash of the process only. What is erased is overwritten, as it may be what a person wanted gone.
const WRITER_SETUP: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;";
const READER_SETUP: &str = "PRAGMA query_only = ON;";

const RETRY_DELAY: Duration = Duration::from_millis(20);

/// A connection; its work is done in order on tokio's blocking threads.
pub(super) type Connection = Mutex<Wrapper>;
pub(super) type Wrapper = SyncConnectionWrapper<SqliteConnection, InOrder>;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Everything.
    Writer,
    /// Queries only.
    Reader,
}

/// Opens connections to one file.
pub(super) struct Connector {
    path: String,
    role: Role,
}

impl Connector {
    /// For the file at this path.
    pub(super) fn new(path: &Path, role: Role) -> StoreResult<Self> {
        // An absolute path is never mistaken for a URI or for a database in memory.
        let path = std::path::absolute(path).map_err(unavailable)?;
        let path = path.to_str().ok_or_else(|| unavailable("the path of the database is not UTF-8"))?;
        Ok(Self { path: path.to_owned(), role })
    }
}

impl Manager for Connector {
    type Type = Connection;
    type Error = StoreError;

    async fn create(&self) -> StoreResult<Connection> {
        let path = self.path.clone();
        let opened = tokio::task::spawn_blocking(move || SqliteConnection::establish(&path)).await;
        let opened = opened.map_err(unavailable)?.map_err(unavailable)?;
        let mut connection = Wrapper::with_runtime(opened, InOrder::default());
        let role_setup = if self.role == Role::Writer { WRITER_SETUP } else { READER_SETUP };
        let refused = |error| from_diesel(error, dialect::trouble);
        connection.batch_execute(SETUP).await.map_err(refused)?;
        // Whoever switches a new file to the log while another process does the same is refused without waiting, so the
        // waiting is done here. The pool's time-out ends it.
        loop {
            match connection.batch_execute(role_setup).await.map_err(refused) {
                Err(StoreError::Contention(_)) => tokio::time::sleep(RETRY_DELAY).await,
                outcome => return outcome.map(|()| connection.into()),
            }
        }
    }

    async fn recycle(&self, _: &mut Connection, _: &Metrics) -> RecycleResult<StoreError> {
        Ok(())
    }
}

impl Backend for Connector {
    type Lent<'c> = MutexGuard<'c, Wrapper>;
    type Dialect = Sqlite;

    const LISTS_ARE_PARAMETERS: bool = false;

    const SYSTEM: &'static str = "sqlite";

    /// It waits for the writers of other processes.
    const BEGINS_WITH_FIRST_STATEMENT: bool = false;

    async fn lend(connection: &Connection) -> MutexGuard<'_, Wrapper> {
        connection.lock().await
    }

    fn begin(_: &Self::Type) -> Cow<'static, str> {
        dialect::BEGIN.into()
    }

    async fn reset(connection: &mut Connection) -> QueryResult<()> {
        dialect::reset(connection).await
    }

    fn trouble(_: &Connection, message: &str) -> Trouble {
        dialect::trouble(message)
    }
}
