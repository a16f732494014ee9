use async_trait::async_trait;

use super::audit_row::NewAuditRow;
use super::backend::Unit;
use super::backend::schema::audit_events;
use crate::application::ports::{AuditEvents, StoreResult};
use crate::domain::Timestamp;
use crate::domain::audit::Event;
use crate::domain::id::AuditEventId;

#[async_trait]
impl AuditEvents for Unit {
    async fn insert_audit_event(&mut self, id: AuditEventId, time: Timestamp, event: &Event) -> StoreResult<()> {
        let row = NewAuditRow::new(id, time, event);
        self.execute(diesel::insert_into(audit_events::table).values(row)).await?;
        Ok(())
    }
}
