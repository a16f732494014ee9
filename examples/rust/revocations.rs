//! What Ipse has revoked, heard from a stream.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use ipse::proto::token_service_client::TokenServiceClient;
use ipse::proto::watch_revocations_response::Revoked;
use ipse::proto::{ExchangeApiKeyRequest, WatchRevocationsRequest, WatchRevocationsResponse};
use tokio::time::{Instant, sleep};
use tonic::transport::Channel;
use tonic::{Request, Status};

/// How long the stream may be silent before nothing is known any more. It says every second that it is alive.
const PATIENCE: Duration = Duration::from_secs(3);

/// Knows nothing until [`Revocations::watch`] runs.
#[derive(Clone, Default)]
pub(crate) struct Revocations(Arc<RwLock<Heard>>);

#[derive(Default)]
struct Heard {
    /// By the id of the session, subject, token or key.
    entries: HashMap<String, WatchRevocationsResponse>,
    /// When `entries` was complete last.
    current: Option<Instant>,
}

impl Revocations {
    /// Whether a token with one of these ids that was issued then is revoked; none if it is not known.
    pub(crate) fn include(&self, ids: [&str; 4], issued: i64) -> Option<bool> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let concerned = |entry: &WatchRevocationsResponse| entry.revoked_before.is_none_or(|t| issued <= t.seconds);
        known.current.filter(|current| current.elapsed() <= PATIENCE)?;
        Some(ids.into_iter().any(|id| known.entries.get(id).is_some_and(concerned)))
    }

    /// Hears of revocations for ever, as the service whose key this is. It holds the permission tokens.introspect.
    /// Goes on where the stream broke off.
    pub(crate) async fn watch(self, ipse: Channel, api_key: String) {
        let (mut ipse, mut resume_token) = (TokenServiceClient::new(ipse), String::new());
        loop {
            let Err(status) = self.follow(&mut ipse, &api_key, &mut resume_token).await;
            tracing::warn!(%status, "the stream of revocations broke off");
            sleep(Duration::from_millis(500)).await;
        }
    }

    async fn follow(
        &self,
        ipse: &mut TokenServiceClient<Channel>,
        api_key: &str,
        resume_token: &mut String,
    ) -> Result<std::convert::Infallible, Status> {
        let key = ExchangeApiKeyRequest { api_key: api_key.to_owned(), ..ExchangeApiKeyRequest::default() };
        let token = ipse.exchange_api_key(key).await?.into_inner().access_token;
        let mut request = Request::new(WatchRevocationsRequest { resume_token: resume_token.clone() });
        let bearer = format!("Bearer {token}").parse().map_err(|_| Status::internal("no token but something else"))?;
        request.metadata_mut().insert("authorization", bearer);
        let mut stream = ipse.watch_revocations(request).await?.into_inner();
        loop {
            let message = stream.message().await?.ok_or_else(|| Status::unavailable("it ended"))?;
            resume_token.clone_from(&message.resume_token);
            self.0.write().unwrap_or_else(PoisonError::into_inner).learn(message);
        }
    }
}

impl Heard {
    fn learn(&mut self, message: WatchRevocationsResponse) {
        use Revoked::{KeyId, SessionId, Subject, TokenId};
        if let Some(SessionId(id) | Subject(id) | TokenId(id) | KeyId(id)) = message.revoked.clone() {
            let before = |entry: &WatchRevocationsResponse| entry.revoked_before.map(|time| time.seconds);
            if self.entries.get(&id).is_none_or(|entry| before(entry) <= before(&message)) {
                self.entries.insert(id, message);
            }
        } else {
            let now = jsonwebtoken::get_current_timestamp().cast_signed();
            self.entries.retain(|_, entry| entry.forget_after.is_none_or(|time| time.seconds >= now));
            self.current = Some(Instant::now());
        }
    }
}
