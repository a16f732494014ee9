//! Lets calls in that bring a valid access token of Ipse. It asks Ipse for nothing while it does so: it has the keys
//! that sign tokens, and knows what has been revoked.

use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde::Deserialize;
use tonic::service::Interceptor;
use tonic::{Request, Status};

use crate::keys::Keys;
use crate::revocations::Revocations;

/// What a valid token says, in the extensions of a call that was let in.
#[derive(Clone, Deserialize)]
pub(crate) struct Caller {
    /// The id of the person or service.
    pub(crate) sub: String,
    sid: String,
    jti: String,
    iat: i64,
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
        Some((kid, token.claims))
    }
}

impl Interceptor for Guard {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let mut values = request.metadata().get_all("authorization").iter();
        let token = values
            .next()
            .filter(|_| values.next().is_none())
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let caller = self.check(token.unwrap_or_default())?;
        request.extensions_mut().insert(caller);
        Ok(request)
    }
}
