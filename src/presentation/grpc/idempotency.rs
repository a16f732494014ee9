//! Idempotent requests: what the use cases need to tell retries, and the answers that come back.

use prost::Message;
use tonic::{Response, Status};
use zeroize::Zeroizing;

use super::status::{self, PathOf};
use crate::application::error::{self, Error, Violations};
use crate::application::idempotency::{Exit, Idempotent, IdempotentCall};
use crate::domain::id::RequestId;

/// The response of an RPC whose use case yields `T`.
pub(super) trait ResponseOf<T>: Message + Default {
    /// Encodes what the use case yields.
    fn from_value(value: &T) -> Self;
}

/// Responses that say nothing but that it is done.
macro_rules! empty_responses {
    ($($response:ident)*) => {
        $(impl $crate::presentation::grpc::idempotency::ResponseOf<()> for $response {
            fn from_value((): &()) -> Self {
                Self {}
            }
        })*
    };
}
pub(super) use empty_responses;

/// What tells this request of an RPC from others. Fails if `request_id` is neither a UUID nor empty.
pub(super) fn request<T, R: ResponseOf<T>>(
    method: &'static str,
    request_id: &str,
    request: &impl Message,
) -> Result<IdempotentCall<T>, Status> {
    part::<T, R>(method, request_id, request).map_err(status::from_error)
}

/// As `request`, for a part of a stream.
pub(super) fn part<T, R: ResponseOf<T>>(
    method: &'static str,
    request_id: &str,
    request: &impl Message,
) -> error::Result<IdempotentCall<T>> {
    let request_id = read_id(request_id)?;
    Ok(IdempotentCall {
        request_id,
        method,
        message: Zeroizing::new(request_id.map(|_| request.encode_to_vec()).unwrap_or_default()),
        write: |value| R::from_value(value).encode_to_vec(),
    })
}

/// Refuses a `request_id` that is neither a UUID nor empty, where something else tells retries.
pub(super) fn check_form(request_id: &str) -> Result<(), Status> {
    read_id(request_id).map(|_| ()).map_err(status::from_error)
}

fn read_id(request_id: &str) -> error::Result<Option<RequestId>> {
    let mut violations = Violations::default();
    let request_id = violations.take_optional("request_id", request_id, RequestId::parse);
    violations.check(Some(request_id))
}

/// The response to a request, whether it was the first one or a retry.
pub(super) fn respond<T, R: ResponseOf<T>>(outcome: Idempotent<T>) -> Result<Response<R>, Status> {
    respond_at(str::to_owned, outcome)
}

/// As `respond`, for a request that has the fields of its use case elsewhere than at its root.
pub(super) fn respond_at<T, R: ResponseOf<T>>(path: PathOf, outcome: Idempotent<T>) -> Result<Response<R>, Status> {
    match outcome {
        Ok(value) => Ok(Response::new(R::from_value(&value))),
        Err(Exit::Repeated(first)) => {
            let response = R::decode(first.0.as_slice());
            response.map(Response::new).map_err(|error| status::from_error(Error::Internal(Box::new(error))))
        }
        Err(Exit::Failed(error)) => Err(status::from_error_at(path, error)),
    }
}
