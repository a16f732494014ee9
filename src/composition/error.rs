//! Why the service does not start.

use std::error::Error;
use std::io;

use crate::application;
use crate::application::causes::Causes;
use crate::application::ports::SealError;
use crate::config::InvalidSetting;
use crate::infrastructure::argon2::argon2_hasher::HashingStartError;
use crate::infrastructure::data_folder::DataFolderError;
use crate::infrastructure::store::migrations::MigrationError;
use crate::presentation::grpc::layers::policy::PolicyError;
use crate::presentation::net::tls::TlsError;
use crate::telemetry::traces;

/// Why the service does not start or does not continue. Most of it is a setting that shows to be wrong only in use.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is wrong.
    #[error(transparent)]
    Setting(#[from] InvalidSetting),
    /// Hashing could not be started.
    #[error("password hashing could not be started")]
    Hashing(#[from] HashingStartError),
    /// The contract leaves open who may call an RPC.
    #[error("the contract is not complete")]
    Policy(#[from] PolicyError),
    /// The server broke down.
    #[error("the server broke down")]
    Serve(#[from] tonic::transport::Error),
    /// There may be no more of these.
    #[error("there are too many already: {0}")]
    TooMany(String),
    /// A use case failed for another reason.
    #[error("the service could not be prepared")]
    Prepare(#[source] application::error::Error),
}

impl StartError {
    /// The address cannot be listened on.
    pub(super) fn listen(error: &io::Error) -> Self {
        setting("grpc_listen", "cannot be listened on", error)
    }

    /// The address of the side port cannot be listened on.
    pub(super) fn side_port(error: &io::Error) -> Self {
        let problem = "cannot be listened on; give another address, port 0 for a free port, or off for no side port";
        setting("http_listen", problem, error)
    }

    /// The certificate cannot be used.
    pub(super) fn certificate(error: &TlsError) -> Self {
        setting("tls_cert_file", "cannot be used", error)
    }

    /// Traces cannot be sent.
    pub(super) fn traces(error: &traces::Unprepared) -> Self {
        setting("otlp_endpoint", "cannot be used", error)
    }

    /// The database is not what the service needs.
    pub(super) fn database(error: &(dyn Error + 'static)) -> Self {
        setting("database_url", "the database cannot be used", error)
    }

    /// There are migrations that were not applied.
    pub(super) fn not_migrated() -> Self {
        InvalidSetting::of("database_url", "the database's schema is not up to date: run `ipse migrate`").into()
    }

    /// What was sealed in the database cannot be opened, or the database failed.
    pub(super) fn prepare(error: application::error::Error) -> Self {
        match error {
            application::error::Error::Internal(cause) if cause.is::<SealError>() => Self::sealed(cause.downcast_ref()),
            application::error::Error::Unavailable(cause) | application::error::Error::Contention(cause) => {
                Self::database(cause.as_ref())
            }
            error => Self::Prepare(error),
        }
    }

    fn sealed(error: Option<&SealError>) -> Self {
        match error {
            Some(SealError::Damaged) => InvalidSetting::of(
                "database_url",
                "sealed values in the database are damaged: restore those that the log names from a backup",
            ),
            _ => InvalidSetting::of(
                "master_key",
                "does not open the secrets of this database, nor does any of IPSE_OTHER_MASTER_KEYS: give the key that \
                 sealed them",
            ),
        }
        .into()
    }
}

impl From<DataFolderError> for StartError {
    fn from(error: DataFolderError) -> Self {
        InvalidSetting::of("data_dir", error).into()
    }
}

impl From<MigrationError> for StartError {
    fn from(error: MigrationError) -> Self {
        match error {
            MigrationError::UnfitRole => setting("database_runtime_role", "cannot be granted its rights", &error),
            error => Self::database(&error),
        }
    }
}

/// The setting and what is wrong with it, with all causes; none of them holds the setting's value.
fn setting(key: &str, problem: &str, error: &(dyn Error + 'static)) -> StartError {
    InvalidSetting::of(key, format!("{problem}: {}", Causes(error))).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infrastructure::master_key::InvalidMasterKey;

    #[test]
    fn a_data_folder_that_cannot_be_used_is_named_by_its_setting() {
        let why = |error: DataFolderError| StartError::from(error).to_string();
        let damaged = why(InvalidMasterKey::Form.into());
        assert_eq!(damaged, "IPSE_DATA_DIR: the file master.key in it must be base64 of 32 bytes");
        let created = why(DataFolderError::Create(io::ErrorKind::NotADirectory));
        assert!(created.starts_with("IPSE_DATA_DIR: cannot be created: "), "{created}");
    }
}
