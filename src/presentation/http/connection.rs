//! One connection, which no silent or slow client can keep for long.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::SidePort;

/// How long an exchange may take, from the first byte of the request to the last of the answer. There is one for each
/// connection: callers come once in seconds or minutes, and none meets a connection that is just being closed.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// The largest head of a request in bytes.
const MAX_HEAD_BYTES: usize = 8 * 1024;
/// The most fields in the head of a request.
const MAX_HEAD_FIELDS: usize = 64;

/// Answers the one request of a connection.
pub(super) async fn serve<S>(side: Arc<SidePort>, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let side = side.clone();
        async move {
            let (method, path, headers) = (request.method(), request.uri().path(), request.headers());
            Ok::<_, Infallible>(side.answer(method, path, headers).await)
        }
    });
    let mut http = http1::Builder::new();
    http.keep_alive(false).max_header_size(MAX_HEAD_BYTES).max_headers(MAX_HEAD_FIELDS);
    match tokio::time::timeout(TIME_LIMIT, http.serve_connection(TokioIo::new(stream), service)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a request to the side port could not be answered"),
        Err(_) => tracing::debug!("a connection to the side port took too long"),
    }
}
