//! Lets calls in that bring a valid access token of Ipse. It asks Ipse for nothing while it does so: it knows the keys
//! that sign tokens, and hears of what has been revoked.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use ipse::proto::key_service_client::KeyServiceClient;
use ipse::proto::token_service_client::TokenServiceClient;
use ipse::proto::watch_revocations_response::Revoked;
use ipse::proto::{ListSigningKeysRequest, WatchRevocationsRequest, WatchRevocationsResponse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, get_current_timestamp};
use serde::Deserialize;
use tokio::time::{Instant, interval, sleep};
use tonic::service::Interceptor;
use tonic::transport::Channel;
use tonic::{Request, Status};

/// How long the stream of revocations may be silent before no token is trusted. It says every second that it is alive.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often the keys are fetched. A key is published 15 minutes before it signs.
const KEYS_EVERY: Duration = Duration::from_secs(300);

/// What a valid token says, in the extensions of a call that was let in.
#[derive(Clone, Deserialize)]
pub(crate) struct Caller {
    /// The id of the person or service.
    pub(crate) sub: String,
    sid: String,
    jti: String,
    iat: i64,
}

/// Checks the access tokens of an issuer for an audience. It trusts none until [`Guard::watch`] runs.
#[derive(Clone)]
pub(crate) struct Guard {
    expected: Arc<Validation>,
    known: Arc<RwLock<Known>>,
}

#[derive(Default)]
struct Known {
    keys: HashMap<String, DecodingKey>,
    /// By the id of the session, subject, token or key.
    revoked: HashMap<String, WatchRevocationsResponse>,
    /// When `revoked` was complete last.
    current: Option<Instant>,
}

impl Guard {
    /// A guard for the tokens of this issuer for this audience.
    pub(crate) fn new(issuer: &str, audience: &str) -> Self {
        let mut expected = Validation::new(Algorithm::ES256);
        expected.set_issuer(&[issuer]);
        expected.set_audience(&[audience]);
        expected.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        expected.leeway = 0; // a revocation is forgotten when its tokens have expired
        Self { expected: Arc::new(expected), known: Arc::default() }
    }

    /// What a token says if it is valid.
    fn check(&self, token: &str) -> Result<Caller, Status> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if known.current.is_none_or(|current| current.elapsed() > PATIENCE) {
            return Err(Status::unavailable("it is not known at the moment which tokens are revoked"));
        }
        let kid = decode_header(token).ok().and_then(|header| header.kid).ok_or_else(invalid)?;
        let key = known.keys.get(&kid).ok_or_else(invalid)?;
        let token = decode::<Caller>(token, key, &self.expected).map_err(|_| invalid())?;
        let (typ, caller) = (token.header.typ.unwrap_or_default(), token.claims);
        let revoked = [&caller.sid, &caller.jti, &kid, &caller.sub].into_iter().any(|id| {
            let entry = known.revoked.get(id);
            entry.is_some_and(|entry| entry.revoked_before.is_none_or(|before| caller.iat <= before.seconds))
        });
        if revoked || !typ.eq_ignore_ascii_case("at+jwt") { Err(invalid()) } else { Ok(caller) }
    }

    /// Fetches the keys and hears of revocations for ever. Calls with what `sign_in` returns, an access token whose subject
    /// holds the permission tokens.introspect, and begins anew where the stream broke off.
    pub(crate) async fn watch(self, ipse: Channel, sign_in: impl AsyncFn() -> Result<String, Status>) {
        let mut resume_token = String::new();
        loop {
            if let Err(status) = self.follow(&ipse, &sign_in, &mut resume_token).await {
                tracing::warn!(%status, "the stream of revocations broke off");
            }
            sleep(Duration::from_millis(500)).await;
        }
    }

    async fn follow(
        &self,
        ipse: &Channel,
        sign_in: &impl AsyncFn() -> Result<String, Status>,
        resume_token: &mut String,
    ) -> Result<(), Status> {
        let mut request = Request::new(WatchRevocationsRequest { resume_token: resume_token.clone() });
        let bearer = format!("Bearer {}", sign_in().await?).parse().map_err(|_| invalid())?;
        request.metadata_mut().insert("authorization", bearer);
        let mut stream = TokenServiceClient::new(ipse.clone()).watch_revocations(request).await?.into_inner();
        let mut keys = interval(KEYS_EVERY);
        loop {
            tokio::select! {
                biased;
                _ = keys.tick() => self.learn_keys(KeyServiceClient::new(ipse.clone())).await?,
                message = stream.message() => {
                    let message = message?.ok_or_else(|| Status::unavailable("the stream ended"))?;
                    resume_token.clone_from(&message.resume_token);
                    self.learn(message);
                }
            }
        }
    }

    async fn learn_keys(&self, mut ipse: KeyServiceClient<Channel>) -> Result<(), Status> {
        let keys = ipse.list_signing_keys(ListSigningKeysRequest {}).await?.into_inner().keys;
        let keys = keys.into_iter().filter_map(|key| {
            let jwk = serde_json::from_str(&key.jwk).ok()?;
            Some((key.kid, DecodingKey::from_jwk(&jwk).ok()?))
        });
        self.known.write().unwrap_or_else(PoisonError::into_inner).keys = keys.collect();
        Ok(())
    }

    fn learn(&self, message: WatchRevocationsResponse) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let Some(Revoked::SessionId(id) | Revoked::Subject(id) | Revoked::TokenId(id) | Revoked::KeyId(id)) =
            message.revoked.clone()
        else {
            known.current = Some(Instant::now());
            let now = get_current_timestamp().cast_signed();
            known.revoked.retain(|_, entry| entry.forget_after.is_none_or(|time| time.seconds > now));
            return;
        };
        let before = |entry: &WatchRevocationsResponse| entry.revoked_before.map_or(0, |time| time.seconds);
        if known.revoked.get(&id).is_none_or(|entry| before(entry) <= before(&message)) {
            known.revoked.insert(id, message);
        }
    }
}

impl Interceptor for Guard {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let mut values = request.metadata().get_all("authorization").iter();
        let (Some(value), None) = (values.next(), values.next()) else { return Err(invalid()) };
        let token = value.to_str().ok().and_then(|value| value.strip_prefix("Bearer ")).ok_or_else(invalid)?;
        let caller = self.check(token)?;
        request.extensions_mut().insert(caller);
        Ok(request)
    }
}

fn invalid() -> Status {
    Status::unauthenticated("the access token is missing or not valid")
}
