//! The call that the gate authorized, for the services behind it.

use std::sync::Arc;

use tonic::{Request, Status};

use super::status;
use crate::application::call::Call;
use crate::application::error::Error;

/// The call that a request is. The gate lets no request through without one; should it ever, nothing is done.
pub(super) fn from_request<T>(request: &Request<T>) -> Result<Arc<Call>, Status> {
    let call = request.extensions().get::<Arc<Call>>().cloned();
    call.ok_or_else(|| status::from_error(Error::Internal("a call did not pass the gate".into())))
}

/// As `from_request`, for what a person alone has: services are refused before their request is looked at.
pub(super) fn of_person<T>(request: &Request<T>) -> Result<Arc<Call>, Status> {
    let call = from_request(request)?;
    call.person().map_err(status::from_error)?;
    Ok(call)
}

/// As `of_person`, with the message.
pub(super) fn split_of_person<T>(request: Request<T>) -> Result<(Arc<Call>, T), Status> {
    Ok((of_person(&request)?, request.into_inner()))
}

/// The call and its message.
pub(super) fn split<T>(request: Request<T>) -> Result<(Arc<Call>, T), Status> {
    Ok((from_request(&request)?, request.into_inner()))
}
