//! Changes of the schema: embedded, forward only, applied one by one, each in a transaction of its own.

use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::postgres::PostgresStore;
use super::sqlite::SqliteStore;
use super::{DatabaseSettings, DatabaseUrl};
use crate::application::ports::StoreError;

/// Which migrations a database has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Those that are in place, in order.
    pub applied: Vec<String>,
    /// Those that this program needs and that are not in place, in order.
    pub pending: Vec<String>,
}

/// Why the schema cannot be judged or changed.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The database has a migration that this program does not know: a newer program has been here.
    #[error("the database has the migration {name}, which this version does not know; use a newer version")]
    NewerSchema {
        /// The migration.
        name: String,
    },
    /// A migration was applied in another wording than this program has.
    #[error("the migration {name} was applied in another wording")]
    ChangedMigration {
        /// The migration.
        name: String,
    },
    /// The PostgreSQL database cannot hold every text.
    #[error(
        "the database has the encoding {found}, in which not every name can be stored; make one with \
         CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
    )]
    Encoding {
        /// The encoding.
        found: String,
    },
    /// The role that the service is to run as is none that may be kept from anything.
    #[error(
        "it must be a role that exists, without the attribute SUPERUSER, and neither the one that migrates nor one of its members"
    )]
    UnfitRole,
    /// The database did not do what was asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Which migrations the database has, without changing it.
pub async fn status(settings: &DatabaseSettings) -> Result<MigrationStatus, MigrationError> {
    match &settings.url {
        DatabaseUrl::Postgres(url) => PostgresStore::new(url, settings, Arc::new(())).await?.migration_status().await,
        // Whoever asks may be somebody else than whom the file is to belong to.
        DatabaseUrl::Sqlite(path) if is_missing(path) => compare(SQLITE, Vec::new()),
        DatabaseUrl::Sqlite(path) => SqliteStore::new(path, settings, Arc::new(())).await?.migration_status().await,
    }
}

/// Whether a file is not there, in a folder that is.
fn is_missing(path: &Path) -> bool {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    folder.is_dir() && matches!(path.try_exists(), Ok(false)) && !path.is_symlink()
}

/// Applies what is pending. Others who do the same at the same time wait, and find nothing left to do.
pub async fn run(settings: &DatabaseSettings) -> Result<MigrationStatus, MigrationError> {
    match &settings.url {
        DatabaseUrl::Postgres(url) => PostgresStore::new(url, settings, Arc::new(())).await?.migrate().await,
        DatabaseUrl::Sqlite(path) => SqliteStore::new(path, settings, Arc::new(())).await?.migrate().await,
    }
}

/// An embedded migration.
pub(super) struct Migration {
    pub(super) name: &'static str,
    pub(super) sql: &'static str,
}

impl Migration {
    /// The SHA-256 digest of the statements.
    pub(super) fn checksum(&self) -> Vec<u8> {
        Sha256::digest(self.sql).to_vec()
    }
}

/// The migrations of a backend. The list stands here once, so both backends have the same names.
macro_rules! embedded {
    ($backend:literal) => {
        embedded!(
            $backend,
            "0001_initial",
            "0002_own_account",
            "0003_administration",
            "0004_user_lists",
            "0005_audit",
            "0006_user_service",
            "0007_access_changes",
            "0008_service_accounts",
            "0009_jobs",
            "0010_session_proofs",
            "0011_retired_ids",
            "0012_unproven_sign_ups",
            "0013_audit_rules",
            "0014_second_factors",
            "0015_barred_steps"
        )
    };
    ($backend:literal, $($name:literal),+) => {
        &[$(Migration {
            name: $name,
            sql: include_str!(concat!("../../../migrations/", $backend, "/", $name, "/up.sql")),
        }),+]
    };
}

pub(super) const POSTGRES: &[Migration] = embedded!("postgres");
pub(super) const SQLITE: &[Migration] = embedded!("sqlite");

/// Compares the migrations in the program with what the database recorded, as names and checksums in order.
pub(super) fn compare(
    embedded: &[Migration],
    recorded: Vec<(String, Vec<u8>)>,
) -> Result<MigrationStatus, MigrationError> {
    let mut status = MigrationStatus::default();
    for (name, checksum) in recorded {
        match embedded.iter().find(|migration| migration.name == name) {
            None => return Err(MigrationError::NewerSchema { name }),
            Some(migration) if migration.checksum() != checksum => {
                return Err(MigrationError::ChangedMigration { name });
            }
            Some(_) => status.applied.push(name),
        }
    }
    let is_pending = |name: &String| !status.applied.contains(name);
    status.pending = embedded.iter().map(|migration| migration.name.to_owned()).filter(is_pending).collect();
    Ok(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Migration] = &[Migration { name: "0001_a", sql: "a" }, Migration { name: "0002_b", sql: "b" }];

    #[test]
    fn what_is_not_recorded_is_pending_in_order() {
        let status = compare(KNOWN, vec![("0001_a".into(), KNOWN[0].checksum())]).unwrap();
        assert_eq!(status, MigrationStatus { applied: vec!["0001_a".into()], pending: vec!["0002_b".into()] });
        assert_eq!(compare(KNOWN, vec![]).unwrap().pending, ["0001_a", "0002_b"]);
    }

    #[tokio::test]
    async fn asking_for_the_status_makes_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ipse.db");
        let settings = DatabaseSettings::new(DatabaseUrl::Sqlite(path.clone()));
        assert_eq!(status(&settings).await.unwrap().pending.len(), SQLITE.len());
        assert!(!path.exists());
        run(&settings).await.unwrap();
        assert_eq!(status(&settings).await.unwrap().applied.len(), SQLITE.len());
    }

    #[test]
    fn unknown_and_changed_migrations_are_refused() {
        let newer = compare(KNOWN, vec![("0003_c".into(), vec![])]);
        assert!(matches!(newer, Err(MigrationError::NewerSchema { name }) if name == "0003_c"));
        let changed = compare(KNOWN, vec![("0001_a".into(), KNOWN[1].checksum())]);
        assert!(matches!(changed, Err(MigrationError::ChangedMigration { name }) if name == "0001_a"));
    }
}
