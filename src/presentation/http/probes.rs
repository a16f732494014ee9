//! Whether the process lives, and whether it can do its work.

use axum::extract::State;
use http::StatusCode;

use super::SidePort;
use super::answer::{self, Answer};

/// An answer is all that can be told of life.
pub(super) async fn healthz() -> Answer {
    answer::text(StatusCode::OK, "ok\n")
}

/// Whether requests should be sent here.
pub(super) async fn readyz(State(side): State<SidePort>) -> Answer {
    if side.health.is_able() {
        answer::text(StatusCode::OK, "ready\n")
    } else {
        answer::text(StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}
