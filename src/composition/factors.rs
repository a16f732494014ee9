//! What the command line of the server does with the second factors of people.

use super::{App, StartError};
use crate::application::factors::{FactorList, Removal, Whom};
use crate::config::Settings;
use crate::domain::account::user::StateReason;

/// Somebody's second factors; nothing if there is no such person.
pub async fn list(settings: &Settings, whom: &Whom) -> Result<Option<FactorList>, StartError> {
    App::for_command(settings).await?.factors.list_by_system(whom).await.map_err(StartError::prepare)
}

/// Has all second factors of somebody removed: at once, or after the time in which the person may stop it.
pub async fn reset(
    settings: &Settings,
    whom: &Whom,
    reason: &StateReason,
    at_once: bool,
) -> Result<Removal, StartError> {
    let app = App::for_command(settings).await?;
    app.factors.reset_by_system(whom, reason, at_once).await.map_err(StartError::prepare)
}
