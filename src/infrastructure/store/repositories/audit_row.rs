use diesel::prelude::*;
use serde_json::Value as Json;

use super::backend::columns::{DbId, DbTime};
use super::backend::schema::audit_events;
use crate::application::ports::StoreResult;
use crate::domain::Timestamp;
use crate::domain::audit::{AuditEvent, AuditType, Event, Outcome};
use crate::domain::id::AuditEventId;
use crate::domain::session::client::Client;
use crate::domain::session::origin::Origin;
use crate::infrastructure::store::error::meaning;

/// An event as it is read.
#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_events)]
pub(super) struct AuditRow {
    pub(super) sequence: i64,
    id: DbId,
    time: DbTime,
    kind: String,
    actor: String,
    subject: String,
    outcome: String,
    reason: String,
    ip_address: Option<String>,
    user_agent: String,
    request_id: String,
    trace_id: String,
    details: String,
}

/// An event as it is written: its number comes from the database.
#[derive(Insertable)]
#[diesel(table_name = audit_events)]
pub(super) struct NewAuditRow<'e> {
    id: DbId,
    time: DbTime,
    kind: &'static str,
    actor: &'e str,
    subject: &'e str,
    outcome: &'static str,
    reason: &'e str,
    ip_address: Option<String>,
    user_agent: &'e str,
    request_id: &'e str,
    trace_id: &'e str,
    details: String,
}

impl<'e> NewAuditRow<'e> {
    pub(super) fn new(id: AuditEventId, time: Timestamp, event: &'e Event) -> Self {
        let origin = event.origin.as_ref();
        Self {
            id: DbId(*id.as_uuid()),
            time: DbTime(time),
            kind: event.kind.as_str(),
            actor: &event.actor,
            subject: &event.subject,
            outcome: event.outcome.as_str(),
            reason: &event.reason,
            ip_address: origin.map(|origin| origin.client.ip_address.to_string()),
            user_agent: origin.map_or("", |origin| &origin.client.user_agent),
            request_id: origin.map_or("", |origin| &origin.request_id),
            trace_id: origin.map_or("", |origin| &origin.trace_id),
            details: event
                .details
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect::<Json>()
                .to_string(),
        }
    }
}

impl AuditRow {
    /// The event that the row tells of.
    pub(super) fn into_event(self) -> StoreResult<AuditEvent> {
        let Self { user_agent, request_id, trace_id, .. } = self;
        let origin = |ip_address: String| {
            let ip_address = meaning(ip_address.parse().ok(), "audit_events.ip_address")?;
            Ok(Origin { client: Client { ip_address, user_agent }, request_id, trace_id })
        };
        Ok(AuditEvent {
            sequence: self.sequence,
            id: AuditEventId::from_uuid(self.id.0),
            time: self.time.0,
            event: Event {
                kind: meaning(AuditType::parse(&self.kind), "audit_events.type")?,
                actor: self.actor,
                subject: self.subject,
                outcome: meaning(Outcome::parse(&self.outcome), "audit_events.outcome")?,
                reason: self.reason,
                origin: self.ip_address.map(origin).transpose()?,
                details: meaning(serde_json::from_str(&self.details).ok(), "audit_events.details")?,
            },
        })
    }
}
