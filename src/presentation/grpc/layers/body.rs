//! The message of a call, as a whole. A call counts from when it is there: one that sends its headers and stops holds
//! nothing but its stream.

use std::time::Duration;

use http::Request;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use tonic::Status;
use tonic::body::Body;

use crate::presentation::grpc::status;

/// What gRPC writes before a message: a flag and the length.
const PREFIX_BYTES: usize = 5;

/// Waits for the message of a call, of at most so many bytes and for at most so long.
pub(super) async fn whole(
    request: Request<Body>,
    max_bytes: usize,
    time_limit: Duration,
) -> Result<Request<Body>, Status> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, max_bytes + PREFIX_BYTES).collect();
    match tokio::time::timeout(time_limit, body).await {
        Ok(Ok(collected)) => Ok(Request::from_parts(head, Body::new(Full::new(collected.to_bytes())))),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(status::too_large(max_bytes)),
        Ok(Err(_)) => Err(status::malformed("the request broke off")),
        Err(_) => Err(status::timed_out()),
    }
}
