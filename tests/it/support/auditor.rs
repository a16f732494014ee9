//! Somebody who reads the audit trail.

use ipse::proto::audit_service_client::AuditServiceClient;
use ipse::proto::*;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

use super::person::Device;
use super::world::World;

/// What an auditor does.
pub(crate) struct Auditor<'w>(pub(crate) Device<'w>);

impl<'w> Auditor<'w> {
    /// Somebody with the role that comes with the service.
    pub(crate) async fn new(world: &'w World) -> Self {
        Self(world.person_with_role("auditor", "auditor").await)
    }

    pub(crate) async fn list(&self, filter: &str) -> Result<Vec<AuditEvent>, Status> {
        Ok(self.page(filter, 1000, "").await?.0)
    }

    pub(crate) async fn page(&self, filter: &str, size: i32, token: &str) -> Result<(Vec<AuditEvent>, String), Status> {
        let (filter, page_token) = (filter.to_owned(), token.to_owned());
        let request = ListAuditEventsRequest { filter, page_size: size, page_token };
        let response = self.client().list_audit_events(self.0.request(request)).await?.into_inner();
        Ok((response.events, response.next_page_token))
    }

    pub(crate) async fn watch(&self, after_sequence: i64) -> Result<Watch, Status> {
        let request = self.0.request(WatchAuditEventsRequest { after_sequence });
        Ok(Watch(self.client().watch_audit_events(request).await?.into_inner()))
    }

    fn client(&self) -> AuditServiceClient<Channel> {
        AuditServiceClient::new(self.0.channel())
    }
}

/// A stream of events.
pub(crate) struct Watch(Streaming<WatchAuditEventsResponse>);

impl Watch {
    /// The next event, or why the stream ended.
    pub(crate) async fn next(&mut self) -> Result<AuditEvent, Status> {
        let response = self.0.message().await?.expect("the stream ends with a status that is not OK");
        Ok(response.event.expect("an event"))
    }

    /// The status that the stream ends with, whatever comes before.
    pub(crate) async fn end(mut self) -> Result<(), Status> {
        loop {
            self.next().await?;
        }
    }
}
