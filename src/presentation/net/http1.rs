//! Serves HTTP/1, on connections that no silent or slow client can keep for long.

use std::io;
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use http::{Request, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use super::connection::Connection;

/// How long an exchange may take, from the first byte of the request to the last of the answer. There is one for each
/// connection: callers come once in seconds or minutes, and none meets a connection that is just being closed.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// The largest head of a request in bytes.
const MAX_HEAD_BYTES: usize = 8 * 1024;
/// The most fields in the head of a request.
const MAX_HEAD_FIELDS: usize = 64;

/// Serves these routes on these connections until `stopped`.
pub(in crate::presentation) async fn serve(
    mut connections: ReceiverStream<io::Result<Connection>>,
    routes: Router,
    stopped: CancellationToken,
) {
    while let Some(Some(accepted)) = stopped.run_until_cancelled(connections.next()).await {
        if let Ok(connection) = accepted {
            tokio::spawn(exchange(connection, routes.clone()));
        }
    }
}

/// Answers the one request of a connection.
async fn exchange(connection: Connection, routes: Router) {
    let peer = connection.peer();
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        let answer = routes.clone().call(request);
        async { answer.await.map(without_wrong_length) }
    });
    let mut http = http1::Builder::new();
    http.keep_alive(false).max_header_size(MAX_HEAD_BYTES).max_headers(MAX_HEAD_FIELDS);
    match tokio::time::timeout(TIME_LIMIT, http.serve_connection(TokioIo::new(connection), service)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "an HTTP request could not be answered"),
        Err(_) => tracing::debug!("an HTTP connection took too long"),
    }
}

/// Routes give every answer the length of its body, but the length in a 304 is that of the document it leaves out
/// (RFC 9110, section 8.6).
fn without_wrong_length(mut answer: Response) -> Response {
    if answer.status() == StatusCode::NOT_MODIFIED {
        answer.headers_mut().remove(header::CONTENT_LENGTH);
    }
    answer
}
