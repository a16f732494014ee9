//! `ipse.v1.AuditService`.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use prost_types::value::Kind;
use prost_types::{Struct, Value};
use tonic::{Request, Response, Status};

use crate::application::audit::Audit;
use crate::application::page::PageRequest;
use crate::domain::audit::{AuditEvent, Outcome};
use crate::domain::session::origin::Origin;
use crate::presentation::grpc::streams::producer::{self, Outlet, Responses};
use crate::presentation::grpc::{call, encode, status};
use crate::proto;
use crate::proto::audit_service_server::AuditService;
use crate::proto::{
    ListAuditEventsRequest, ListAuditEventsResponse, WatchAuditEventsRequest, WatchAuditEventsResponse,
};

/// Decodes requests of `AuditService` for their use cases.
pub(in crate::presentation::grpc) struct AuditRpc(pub(in crate::presentation::grpc) Arc<Audit>);

#[tonic::async_trait]
impl AuditService for AuditRpc {
    async fn list_audit_events(
        &self,
        request: Request<ListAuditEventsRequest>,
    ) -> Result<Response<ListAuditEventsResponse>, Status> {
        let ListAuditEventsRequest { page_size, page_token, filter } = request.into_inner();
        let page = PageRequest { size: page_size, token: page_token };
        let found = self.0.list_audit_events(&filter, &page).await.map_err(status::from_error)?;
        let events = found.items.into_iter().map(encode_event).collect();
        Ok(Response::new(ListAuditEventsResponse { events, next_page_token: found.next_page_token }))
    }

    type WatchAuditEventsStream = Responses<WatchAuditEventsResponse>;

    async fn watch_audit_events(
        &self,
        request: Request<WatchAuditEventsRequest>,
    ) -> Result<Response<Self::WatchAuditEventsStream>, Status> {
        let call = call::from_request(&request)?;
        let after_sequence = request.get_ref().after_sequence;
        let mut watch = self.0.watch_audit_events(call, after_sequence).map_err(status::from_error)?;
        let batches = producer::produce(producer::place(&request)?, |mut outlet: Outlet<Vec<_>>| async move {
            loop {
                outlet.send(watch.next().await?).await?;
            }
        });
        let events = batches.map_ok(|events| stream::iter(events.into_iter().map(Ok))).try_flatten();
        let responses = events.map_ok(|event| WatchAuditEventsResponse { event: Some(encode_event(event)) });
        Ok(Response::new(responses.boxed()))
    }
}

/// An event.
pub(in crate::presentation::grpc) fn encode_event(audit: AuditEvent) -> proto::AuditEvent {
    let event = audit.event;
    let from = event.origin.map(|Origin { client, request_id, trace_id }| {
        (client.ip_address.to_string(), client.user_agent, request_id, trace_id)
    });
    let (ip_address, user_agent, request_id, trace_id) = from.unwrap_or_default();
    let outcome = match event.outcome {
        Outcome::Success => proto::AuditOutcome::Success,
        Outcome::Failure => proto::AuditOutcome::Failure,
        Outcome::Denied => proto::AuditOutcome::Denied,
    };
    proto::AuditEvent {
        id: audit.id.to_string(),
        sequence: audit.sequence,
        time: Some(encode::time(audit.time)),
        r#type: event.kind.as_str().to_owned(),
        actor: event.actor,
        subject: event.subject,
        outcome: outcome.into(),
        reason: event.reason,
        ip_address,
        user_agent,
        request_id,
        trace_id,
        details: (!event.details.is_empty()).then(|| encode_details(event.details)),
    }
}

fn encode_details(details: BTreeMap<String, String>) -> Struct {
    let text = |value| Value { kind: Some(Kind::StringValue(value)) };
    Struct { fields: details.into_iter().map(|(name, value)| (name, text(value))).collect() }
}
