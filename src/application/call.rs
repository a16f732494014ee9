//! One request as its use case sees it: made once, at the edge, and handed down.

use super::access::caller::{Bearer, Caller, Person};
use super::error::{Refusal, Result};
use crate::domain::Timestamp;
use crate::domain::access::policy::Access;
use crate::domain::audit::{AuditType, Event};
use crate::domain::session::origin::Origin;

/// One request: when it came, where from, who sent it and by what right.
#[derive(Debug, Clone)]
pub struct Call {
    /// When it came. Nobody below reads the clock again, except for streams, which last.
    pub now: Timestamp,
    /// Where it comes from.
    pub origin: Origin,
    /// What it brought as access token, checked or not.
    pub bearer: Bearer,
    /// The access policy of the RPC, by which it was let in.
    pub access: Access,
    caller: Option<Caller>,
}

impl Call {
    /// A call that was not authorized yet, and perhaps need not be.
    #[must_use]
    pub const fn new(now: Timestamp, origin: Origin, bearer: Bearer, access: Access) -> Self {
        Self { now, origin, bearer, access, caller: None }
    }

    /// The same call, sent by this caller.
    #[must_use]
    pub fn by(self, caller: Caller) -> Self {
        Self { caller: Some(caller), ..self }
    }

    /// The caller. RPCs that are not public have one, or are refused before their use case; should one not be, this denies.
    pub fn caller(&self) -> Result<&Caller> {
        self.caller.as_ref().ok_or(Refusal::TokenMissing.into())
    }

    /// The caller as a person. Services have no account of their own.
    pub fn person(&self) -> Result<Person> {
        self.caller()?.person().ok_or(Refusal::PersonRequired.into())
    }

    /// An audit event by the caller, or by nobody if the call is anonymous.
    pub(super) fn event(&self, kind: AuditType) -> Event {
        match &self.caller {
            Some(caller) => Event::by_person(caller.subject(), &self.origin, kind),
            None => Event::anonymous(&self.origin, kind),
        }
    }
}
