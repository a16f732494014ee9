use std::ops::Bound;

use async_trait::async_trait;
use diesel::prelude::*;

use super::audit_row::{AuditRow, NewAuditRow};
use super::backend::columns::DbTime;
use super::backend::schema::audit_events;
use super::backend::{Unit, dialect};
use crate::application::ports::{AuditEvents, Position, StoreResult};
use crate::domain::Timestamp;
use crate::domain::audit::filter::AuditFilter;
use crate::domain::audit::{AuditEvent, AuditType, Event, Outcome};
use crate::domain::id::AuditEventId;
use crate::infrastructure::store::commit_order;

commit_order::sequenced!(AuditRow of audit_events, InOrder);

#[async_trait]
impl AuditEvents for Unit {
    async fn insert_audit_event(&self, id: AuditEventId, time: Timestamp, event: &Event) -> StoreResult<()> {
        let row = NewAuditRow::new(id, time, event);
        self.execute(diesel::insert_into(audit_events::table).values(row)).await?;
        Ok(())
    }

    async fn list_audit_events(&self, filter: &AuditFilter, page: (Option<i64>, i64)) -> StoreResult<Vec<AuditEvent>> {
        let (below, limit) = page;
        let newest_first = audit_events::table.order(audit_events::sequence.desc()).limit(limit);
        let mut query = newest_first.select(AuditRow::as_select()).into_boxed();
        if let Some(below) = below {
            query = query.filter(audit_events::sequence.lt(below));
        }
        query = match filter.time.from {
            Bound::Included(time) => query.filter(audit_events::time.ge(DbTime(time))),
            Bound::Excluded(time) => query.filter(audit_events::time.gt(DbTime(time))),
            Bound::Unbounded => query,
        };
        query = match filter.time.to {
            Bound::Included(time) => query.filter(audit_events::time.le(DbTime(time))),
            Bound::Excluded(time) => query.filter(audit_events::time.lt(DbTime(time))),
            Bound::Unbounded => query,
        };
        if filter.types.len() < AuditType::ALL.len() {
            query = query.filter(audit_events::kind.eq_any(filter.types.iter().map(|kind| kind.as_str())));
        }
        if filter.outcomes.len() < Outcome::ALL.len() {
            query = query.filter(audit_events::outcome.eq_any(filter.outcomes.iter().map(|outcome| outcome.as_str())));
        }
        for actor in &filter.actors {
            query = query.filter(audit_events::actor.eq(actor));
        }
        for subject in &filter.subjects {
            query = query.filter(audit_events::subject.eq(subject));
        }
        self.load(query).await?.into_iter().map(AuditRow::into_event).collect()
    }

    async fn follow_audit_events(&self, position: &mut Position, limit: i64) -> StoreResult<Vec<AuditEvent>> {
        commit_order::follow(self, position, limit, AuditRow::into_event).await
    }

    async fn purge_audit_events(&self, before: Timestamp, limit: i64) -> StoreResult<usize> {
        dialect::purge_audit_events(self, DbTime(before), limit).await
    }
}
