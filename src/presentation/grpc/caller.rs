//! What the gate found out about a call, for the services behind it.

use tonic::{Request, Status};

use super::status;
use crate::application::auth::Bearer;
use crate::application::caller::{Caller, Person};
use crate::application::error::{Error, Refusal};
use crate::domain::access::policy::Access;
use crate::domain::session::origin::Origin;

/// Who calls. The gate lets nobody without a caller through to an RPC that needs one; should it ever, deny.
pub(super) fn of<T>(request: &Request<T>) -> Result<Caller, Status> {
    let caller = request.extensions().get::<Caller>().cloned();
    caller.ok_or_else(|| status::from_error(Error::Refused(Refusal::TokenMissing)))
}

/// Who calls, as a person. Services have no account of their own.
pub(super) fn person<T>(request: &Request<T>) -> Result<Person, Status> {
    of(request)?.person().ok_or_else(|| status::from_error(Error::Refused(Refusal::PersonRequired)))
}

/// Who calls, and what for.
pub(super) fn take<T>(request: Request<T>) -> Result<(Caller, T), Status> {
    Ok((of(&request)?, request.into_inner()))
}

/// Where the call comes from.
pub(super) fn origin<T>(request: &Request<T>) -> Result<Origin, Status> {
    found(request)
}

/// The access policy that the call was let in by.
pub(super) fn access<T>(request: &Request<T>) -> Result<Access, Status> {
    found(request)
}

/// What came as access token.
pub(super) fn bearer<T>(request: &Request<T>) -> Result<Bearer, Status> {
    found(request)
}

fn found<E: Clone + Send + Sync + 'static, T>(request: &Request<T>) -> Result<E, Status> {
    let value = request.extensions().get::<E>().cloned();
    value.ok_or_else(|| status::from_error(Error::Internal("a call did not pass the gate".into())))
}
