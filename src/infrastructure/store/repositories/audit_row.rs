use diesel::prelude::*;
use serde_json::Value as Json;

use super::backend::columns::{DbId, DbTime};
use super::backend::schema::audit_events;
use crate::domain::Timestamp;
use crate::domain::audit::Event;
use crate::domain::id::AuditEventId;

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
            kind: event.kind.word(),
            actor: &event.actor,
            subject: &event.subject,
            outcome: event.outcome.word(),
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
