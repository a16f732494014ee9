//! What the command line of the server does with keys.

use super::{App, StartError};
use crate::application::error::{Error, Refusal};
use crate::application::keys::{ListedKey, Rewrapped};
use crate::config::Settings;
use crate::domain::Timestamp;
use crate::domain::token::signing_key::SigningAlgorithm;

/// The signing keys that verifiers are told of.
pub async fn list(settings: &Settings) -> Result<Vec<ListedKey>, StartError> {
    App::for_command(settings).await?.keys.list_signing_keys().await.map_err(StartError::prepare)
}

/// Makes a signing key, which takes the place of the last one in line after its lead.
pub async fn rotate(settings: &Settings, algorithm: Option<SigningAlgorithm>) -> Result<ListedKey, StartError> {
    let made = App::for_command(settings).await?.keys.rotate_by_system(algorithm).await;
    made.map_err(too_many)
}

/// Makes a root secret, which takes the place of the one in use from the time that is returned.
pub async fn rotate_root(settings: &Settings) -> Result<Timestamp, StartError> {
    App::for_command(settings).await?.keys.rotate_root_secret().await.map_err(too_many)
}

fn too_many(error: Error) -> StartError {
    match error {
        Error::Refused(Refusal::QuotaExceeded { what, limit }) => {
            StartError::TooMany(format!("{what}, at most {limit}"))
        }
        error => StartError::prepare(error),
    }
}

/// Seals everything anew that is sealed under another master key than the current one. `progress` is told of each batch
/// how many values were looked at.
pub async fn rewrap(settings: &Settings, progress: &mut (dyn FnMut(u64) + Send)) -> Result<Vec<Rewrapped>, StartError> {
    App::for_command(settings).await?.keys.rewrap(progress).await.map_err(StartError::prepare)
}
