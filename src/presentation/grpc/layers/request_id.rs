//! The id that joins what a caller saw with what the log says.

use std::future::Future;
use std::sync::Arc;

use http::HeaderMap;

use crate::application::ports::Entropy;

/// The header that carries the id, in both directions.
pub(in crate::presentation::grpc) const HEADER: &str = "x-request-id";

tokio::task_local! {
    static CURRENT: Arc<str>;
}

/// The caller's own id if it is 1 to 64 letters, digits, `-`, `_` and `.` of ASCII, else a new one of 128 random bits.
pub(in crate::presentation::grpc) fn from_headers(headers: &HeaderMap, entropy: &dyn Entropy) -> String {
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
pub(in crate::presentation::grpc) async fn scope<F: Future>(id: Arc<str>, work: F) -> F::Output {
    CURRENT.scope(id, work).await
}

/// Does a part of the work of one request under its id.
pub(in crate::presentation::grpc) fn within<T>(id: &Arc<str>, work: impl FnOnce() -> T) -> T {
    CURRENT.sync_scope(id.clone(), work)
}

/// The id of the request this task works on.
pub(in crate::presentation::grpc) fn current() -> Arc<str> {
    CURRENT.try_with(Clone::clone).unwrap_or_default()
}
