//! Services that ask about the tokens of their callers.

use ipse::proto::token_service_client::TokenServiceClient;
use ipse::proto::watch_revocations_response::Revoked;
use ipse::proto::*;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

use super::person::Device;
use super::world::World;

/// What a service that guards its own RPCs does.
pub(crate) struct Guard<'w>(pub(crate) Device<'w>);

impl<'w> Guard<'w> {
    /// Somebody with the role for services that comes with the service.
    pub(crate) async fn new(world: &'w World) -> Self {
        Self(world.person_with_role("guard", "service").await)
    }

    /// The same service talking to another process.
    pub(crate) fn through(&self, channel: &Channel) -> Self {
        Self(self.0.through(channel))
    }

    pub(crate) async fn introspect(&self, token: &str) -> Result<IntrospectTokenResponse, Status> {
        self.introspect_for("", token).await
    }

    pub(crate) async fn introspect_for(&self, audience: &str, token: &str) -> Result<IntrospectTokenResponse, Status> {
        let request = IntrospectTokenRequest { token: token.to_owned(), audience: audience.to_owned() };
        Ok(self.client().introspect_token(self.0.request(request)).await?.into_inner())
    }

    /// Whether a token is good.
    pub(crate) async fn finds_good(&self, token: &str) -> bool {
        let found = self.introspect(token).await.unwrap();
        assert!(found.active || found == IntrospectTokenResponse::default(), "{found:?}");
        found.active
    }

    pub(crate) async fn watch(&self, resume_token: &str) -> Result<Revocations, Status> {
        let request = WatchRevocationsRequest { resume_token: resume_token.to_owned() };
        let stream = self.client().watch_revocations(self.0.request(request)).await?.into_inner();
        Ok(Revocations { stream, resume_token: resume_token.to_owned() })
    }

    pub(crate) fn client(&self) -> TokenServiceClient<Channel> {
        TokenServiceClient::new(self.0.channel())
    }
}

/// A stream of revocations.
pub(crate) struct Revocations {
    stream: Streaming<WatchRevocationsResponse>,
    /// The last one that came.
    pub(crate) resume_token: String,
}

impl Revocations {
    /// The next message, or why the stream ended.
    pub(crate) async fn message(&mut self) -> Result<WatchRevocationsResponse, Status> {
        let message = self.stream.message().await?.expect("the stream ends with a status that is not OK");
        self.resume_token.clone_from(&message.resume_token);
        assert_eq!(message.revoked.is_some(), message.forget_after.is_some());
        assert_eq!(matches!(message.revoked, Some(Revoked::Subject(_))), message.revoked_before.is_some());
        Ok(message)
    }

    /// The next revocation; signs of life are passed over.
    pub(crate) async fn next(&mut self) -> Result<Revoked, Status> {
        loop {
            if let Some(revoked) = self.message().await?.revoked {
                return Ok(revoked);
            }
        }
    }

    /// What there was at the beginning.
    pub(crate) async fn snapshot(&mut self) -> Result<Vec<Revoked>, Status> {
        let mut all = Vec::new();
        while let Some(revoked) = self.message().await?.revoked {
            all.push(revoked);
        }
        Ok(all)
    }

    /// The status that the stream ends with, whatever comes before.
    pub(crate) async fn end(mut self) -> Result<(), Status> {
        loop {
            self.message().await?;
        }
    }
}
