//! Calls that may be repeated: what the use cases need to tell them, and the answers that come back.

use prost::Message;
use tonic::{Response, Status};
use zeroize::Zeroizing;

use super::status;
use crate::application::error::{Error, Violations};
use crate::application::idempotency::{Answer, IdempotentCall};
use crate::domain::id::RequestId;

/// The response of an RPC whose use case yields `T`.
pub(super) trait ResponseOf<T>: Message + Default {
    /// Encodes what the use case yields.
    fn of(value: &T) -> Self;
}

/// What tells this request of an RPC from others. Fails if `request_id` is neither a UUID nor empty.
pub(super) fn able<T, R: ResponseOf<T>>(
    method: &'static str,
    request_id: &str,
    request: &impl Message,
) -> Result<IdempotentCall<T>, Status> {
    let mut violations = Violations::default();
    let request_id = violations.take_optional("request_id", request_id, RequestId::parse);
    violations.check(Some(())).map_err(status::from_error)?;
    Ok(IdempotentCall {
        request_id,
        method,
        message: Zeroizing::new(request.encode_to_vec()),
        write: |value| R::of(value).encode_to_vec(),
    })
}

/// The response to a call, whether it was the first one or a repeat.
pub(super) fn respond<T, R: ResponseOf<T>>(answer: Answer<T>) -> Result<Response<R>, Status> {
    let response = match answer {
        Answer::First(value) => R::of(&value),
        Answer::Repeated(bytes) => {
            R::decode(bytes.as_slice()).map_err(|error| status::from_error(Error::Internal(Box::new(error))))?
        }
    };
    Ok(Response::new(response))
}
