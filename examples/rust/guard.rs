//! Lets calls in that bring a valid access token of Ipse. It asks Ipse for nothing while it does so: it has the keys
//! that sign tokens, and knows what has been revoked.

use std::collections::HashMap;

use jsonwebtoken::{Algorithm, Validation, decode, decode_header, get_current_timestamp};
use serde::Deserialize;
use tonic::service::Interceptor;
use tonic::{Code, Request, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::keys::Keys;
use crate::revocations::Revocations;

/// The level of a sign-in with two factors, as tokens tell it.
pub(crate) const AAL2: &str = "urn:ipse:aal:2";
/// That of somebody who must have two and has not.
const ENROLMENT: &str = "urn:ipse:aal:0";

/// What a valid token says, in the extensions of a call that was let in.
#[derive(Clone, Deserialize)]
pub(crate) struct Caller {
    /// The id of the person or service.
    pub(crate) sub: String,
    sid: String,
    jti: String,
    iat: i64,
    acr: Option<String>,
    auth_time: Option<u64>,
}

impl Caller {
    /// Refuses a caller who did not sign in at this level, or did so more seconds ago. The client has the person prove it
    /// again, for what the error names, and comes back with the new token (RFC 9470).
    pub(crate) fn require_sign_in(&self, acr: &str, max_age: u64) -> Result<(), Status> {
        let is_fresh = self.auth_time.is_some_and(|time| get_current_timestamp().saturating_sub(time) <= max_age);
        if is_fresh && self.acr.as_deref() == Some(acr) {
            return Ok(());
        }
        let metadata = [("acr_values", acr.to_owned()), ("max_age", max_age.to_string())];
        let metadata: HashMap<_, _> = metadata.map(|(name, value)| (name.to_owned(), value)).into();
        let details = ErrorDetails::with_error_info("STEP_UP_REQUIRED", "orders.v1", metadata);
        let message = "this takes a fresh sign-in with a second factor";
        Err(Status::with_error_details(Code::Unauthenticated, message, details))
    }
}

/// Checks the access tokens of an issuer for an audience.
#[derive(Clone)]
pub(crate) struct Guard {
    expected: Validation,
    keys: Keys,
    revocations: Revocations,
}

impl Guard {
    pub(crate) fn new(issuer: &str, audience: &str, keys: Keys, revocations: Revocations) -> Self {
        let mut expected = Validation::new(Algorithm::ES256);
        expected.set_issuer(&[issuer]);
        expected.set_audience(&[audience]);
        expected.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        expected.leeway = 0; // a revocation is forgotten when its tokens have expired
        Self { expected, keys, revocations }
    }

    fn check(&self, token: &str) -> Result<Caller, Status> {
        let invalid = || Status::unauthenticated("the access token is missing or not valid");
        let (kid, caller) = self.verified(token).ok_or_else(invalid)?;
        match self.revocations.include([&caller.sid, &caller.jti, &kid, &caller.sub], caller.iat) {
            Some(false) => Ok(caller),
            Some(true) => Err(invalid()),
            None => Err(Status::unavailable("it is not known at the moment which tokens are revoked")),
        }
    }

    /// The id of the key that signed the token, and what the token says.
    fn verified(&self, token: &str) -> Option<(String, Caller)> {
        let kid = decode_header(token).ok()?.kid?;
        let token = decode::<Caller>(token, &self.keys.get(&kid)?, &self.expected).ok()?;
        token.header.typ.filter(|typ| typ.eq_ignore_ascii_case("at+jwt"))?;
        let is_complete = token.claims.acr.as_deref() != Some(ENROLMENT);
        is_complete.then_some((kid, token.claims))
    }
}

impl Interceptor for Guard {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let mut values = request.metadata().get_all("authorization").iter();
        let value = values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok());
        // One or more spaces follow the scheme, which has no case (RFC 9110, section 11.4).
        let token = match value.and_then(|value| value.trim().split_once(' ')) {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim_start_matches(' '),
            _ => "",
        };
        let caller = self.check(token)?;
        request.extensions_mut().insert(caller);
        Ok(request)
    }
}
