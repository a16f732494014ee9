//! What is counted, as scrapers read it.

use axum::extract::State;
use http::StatusCode;

use super::SidePort;
use super::answer::{self, Answer};
use crate::telemetry::metrics::CONTENT_TYPE;

/// All metrics.
pub(super) async fn metrics(State(side): State<SidePort>) -> Answer {
    match side.metrics.text() {
        Ok(text) => answer::fresh(CONTENT_TYPE, text),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be written");
            answer::text(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written\n")
        }
    }
}
