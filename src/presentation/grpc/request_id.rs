//! The id that joins what a caller saw with what the log says.

use std::future::Future;

use http::HeaderMap;
use tracing::{Instrument as _, Span};

use crate::application::ports::Entropy;

/// The header that carries the id, in both directions.
pub(super) const HEADER: &str = "x-request-id";

tokio::task_local! {
    static CURRENT: String;
}

/// The caller's own id if it is a plain word of at most 64 characters, else a new one of 128 random bits.
pub(super) fn of(headers: &HeaderMap, entropy: &dyn Entropy) -> String {
    let given = headers.get(HEADER).and_then(|value| value.to_str().ok());
    let is_plain = |id: &&str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    given.filter(is_plain).map_or_else(
        || {
            entropy
                .bytes::<16>()
                .map_or_else(|_| "unknown".to_owned(), |bytes| format!("{:032x}", u128::from_be_bytes(bytes)))
        },
        str::to_owned,
    )
}

/// Runs the work of one request under its id.
pub(super) async fn scope<F: Future>(id: String, work: F) -> F::Output {
    CURRENT.scope(id, work).await
}

/// What ties work to the call it is done for, when the call's own task has gone on: streams are worked on after their
/// handler has returned.
#[derive(Clone)]
pub(super) struct CallScope {
    id: String,
    span: Span,
}

impl CallScope {
    /// The scope of the call this task works on.
    pub(super) fn current() -> Self {
        Self { id: current(), span: Span::current() }
    }

    /// Runs a part of the call's work.
    pub(super) fn run<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        scope(self.id, work.instrument(self.span))
    }

    /// Does a part of the call's work that never waits.
    pub(super) fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self.id.clone(), work)
    }
}

/// The id of the request this task works on.
pub(super) fn current() -> String {
    CURRENT.try_with(Clone::clone).unwrap_or_default()
}
