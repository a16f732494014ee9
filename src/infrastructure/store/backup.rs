//! Backups of a SQLite file while others use it. PostgreSQL brings programs of its own for that.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::{Builder, NamedTempFile};

use super::migrations::MigrationError;
use super::sqlite::SqliteStore;
use super::{DatabaseSettings, DatabaseUrl};
use crate::application::ports::StoreError;

/// What SQLite keeps beside a database, and would take for its own.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// A backup that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backup {
    /// The size of the database in bytes, with its log.
    pub database_size: u64,
    /// The size of the backup in bytes.
    pub backup_size: u64,
}

/// Why there is no backup. Whatever there was under its name is as it was.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database is not a SQLite file.
    #[error(
        "the database is on PostgreSQL, which has its own program for that: pg_dump --format=custom --no-owner --no-acl \
         --file=FILE URL"
    )]
    Postgres,
    /// There is no database to back up.
    #[error("there is no database at the path of IPSE_DATABASE_URL")]
    NoDatabase,
    /// The file is no database of this program.
    #[error("the file of IPSE_DATABASE_URL holds no database of this program")]
    ForeignDatabase,
    /// The name is one that SQLite would use itself.
    #[error("{0} is a name that belongs to the database: give the backup another one")]
    Companion(PathBuf),
    /// Something has the name already.
    #[error("{0} exists already, and is not replaced")]
    Exists(PathBuf),
    /// The backup cannot be written.
    #[error("{0} cannot be written")]
    Write(PathBuf, #[source] io::Error),
    /// The path cannot be told to SQLite.
    #[error("the path of the backup is not UTF-8")]
    Path,
    /// The database is not one that this version knows.
    #[error(transparent)]
    Schema(#[from] MigrationError),
    /// The database could not be read, or the backup not be written by it.
    #[error("the database could not be copied")]
    Copy(#[from] StoreError),
}

/// Copies the database as it is at one moment into a new file, for this user alone. It appears under its name once it is
/// complete and on the disk.
pub async fn run(settings: &DatabaseSettings, target: &Path) -> Result<Backup, BackupError> {
    let DatabaseUrl::Sqlite(database) = &settings.url else { return Err(BackupError::Postgres) };
    let refused = |error| BackupError::Write(target.to_owned(), error);
    let target = &std::path::absolute(target).map_err(refused)?;
    check_names(database, target)?;
    // Asked for its size and not opened: whoever closes a file gives up all locks of the process on it.
    let database_size = fs::metadata(database).map_err(|_| BackupError::NoDatabase)?.size();
    let log_size = fs::metadata(companion(database, "-wal")).map_or(0, |log| log.size());
    let store = SqliteStore::new(database, settings, Arc::new(())).await?;
    if store.migration_status().await?.applied.is_empty() {
        return Err(BackupError::ForeignDatabase);
    }
    let draft = draft_beside(target).map_err(refused)?;
    store.copy_into(draft.path().to_str().ok_or(BackupError::Path)?).await?;
    let backup_size = publish(draft, target)?;
    Ok(Backup { database_size: database_size + log_size, backup_size })
}

/// Neither may the backup be the database, nor may SQLite take it for a part of one.
fn check_names(database: &Path, target: &Path) -> Result<(), BackupError> {
    if fs::symlink_metadata(target).is_ok() {
        return Err(BackupError::Exists(target.to_owned()));
    }
    let same_folder = |a: &Path, b: &Path| {
        let folder = |path: &Path| path.parent().and_then(|folder| fs::canonicalize(folder).ok());
        folder(a) == folder(b)
    };
    let resolved = fs::canonicalize(database).map_err(|_| BackupError::NoDatabase)?;
    for database in [database, &resolved] {
        for suffix in COMPANIONS {
            let companion = companion(&std::path::absolute(database).map_err(|_| BackupError::NoDatabase)?, suffix);
            if companion.file_name() == target.file_name() && same_folder(&companion, target) {
                return Err(BackupError::Companion(target.to_owned()));
            }
        }
    }
    Ok(())
}

fn companion(database: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = database.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// An empty file that SQLite may fill; erased if it never becomes the backup.
fn draft_beside(target: &Path) -> io::Result<NamedTempFile> {
    Builder::new().prefix(".ipse-backup-").tempfile_in(folder_of(target))
}

fn folder_of(target: &Path) -> &Path {
    target.parent().unwrap_or(target)
}

/// Gives the backup its name, unless something else has it by now. Its size.
fn publish(draft: NamedTempFile, target: &Path) -> Result<u64, BackupError> {
    let refused = |error| BackupError::Write(target.to_owned(), error);
    draft.as_file().sync_all().map_err(refused)?;
    let size = draft.as_file().metadata().map_err(refused)?.size();
    draft.persist_noclobber(target).map_err(|failed| match failed.error.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists(target.to_owned()),
        _ => refused(failed.error),
    })?;
    File::open(folder_of(target)).and_then(|folder| folder.sync_all()).map_err(refused)?;
    Ok(size)
}
