//! The only wiring: settings, adapters, use cases, server.

use crate::config::{DatabaseSettings, InvalidSetting, Settings};

/// Why the server did not start, or a migration did not run.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is wrong, which showed only when it was used.
    #[error(transparent)]
    Setting(#[from] InvalidSetting),
    /// The part is not there.
    #[error("is not built in")]
    Missing,
}

/// The names of migrations: those that are applied and those that are not.
pub struct MigrationStatus {
    /// Applied ones, oldest first.
    pub applied: Vec<String>,
    /// Pending ones, oldest first.
    pub pending: Vec<String>,
}

/// Serves until it is told to stop.
#[expect(clippy::unused_async, reason = "the server is wired later")]
pub async fn serve(_: Settings) -> Result<(), StartError> {
    Err(StartError::Missing)
}

/// Brings the database to the newest schema and names the migrations that it applied.
#[expect(clippy::unused_async, reason = "the store is wired later")]
pub async fn migrate(_: &DatabaseSettings) -> Result<Vec<String>, StartError> {
    Err(StartError::Missing)
}

/// The migrations that are applied and those that are not.
#[expect(clippy::unused_async, reason = "the store is wired later")]
pub async fn migration_status(_: &DatabaseSettings) -> Result<MigrationStatus, StartError> {
    Err(StartError::Missing)
}
