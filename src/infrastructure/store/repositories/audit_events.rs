use std::ops::Bound;

use async_trait::async_trait;
use diesel::prelude::*;

use super::audit_row::{AuditRow, NewAuditRow};
use super::backend::columns::DbTime;
use super::backend::schema::audit_events;
use super::backend::{Unit, dialect};
use crate::application::ports::{AuditEvents, StoreResult, TrailGap, TrailPosition};
use crate::domain::Timestamp;
use crate::domain::audit::filter::AuditFilter;
use crate::domain::audit::{AuditEvent, AuditType, Event, Outcome};
use crate::domain::id::AuditEventId;

#[async_trait]
impl AuditEvents for Unit {
    async fn insert_audit_event(&mut self, id: AuditEventId, time: Timestamp, event: &Event) -> StoreResult<()> {
        let row = NewAuditRow::new(id, time, event);
        self.execute(diesel::insert_into(audit_events::table).values(row)).await?;
        Ok(())
    }

    async fn list_audit_events(
        &mut self,
        filter: &AuditFilter,
        page: (Option<i64>, i64),
    ) -> StoreResult<Vec<AuditEvent>> {
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
            query = query.filter(audit_events::kind.eq_any(filter.types.iter().map(|kind| kind.word())));
        }
        if filter.outcomes.len() < Outcome::ALL.len() {
            query = query.filter(audit_events::outcome.eq_any(filter.outcomes.iter().map(|outcome| outcome.word())));
        }
        for actor in &filter.actors {
            query = query.filter(audit_events::actor.eq(actor));
        }
        for subject in &filter.subjects {
            query = query.filter(audit_events::subject.eq(subject));
        }
        self.load(query).await?.into_iter().map(AuditRow::into_event).collect()
    }

    /// Numbers are taken in one order and become visible in another. All numbers below a visible one have been taken, so
    /// the missing ones belong to transactions that were under way, or over, when it was seen: once those have ended, what
    /// is still missing never comes.
    async fn follow_audit_events(&mut self, position: &mut TrailPosition, limit: i64) -> StoreResult<Vec<AuditEvent>> {
        let after = position.after;
        let mut gap = position.gap.clone();
        loop {
            let settled = match &gap {
                Some(gap) if !is_any_of(&gap.writers, &dialect::writers(self, "audit_events").await?) => {
                    Some(gap.below)
                }
                _ => None,
            };
            let next = audit_events::table.filter(audit_events::sequence.gt(after)).order(audit_events::sequence);
            let mut rows: Vec<AuditRow> = self.load(next.limit(limit).select(AuditRow::as_select())).await?;
            let count = count_final(rows.iter().map(|row| row.sequence), after, settled);
            let held_back = rows.split_off(count);
            match held_back.last() {
                None => gap = None,
                Some(last) if gap.is_none() || settled.is_some() => {
                    gap =
                        Some(TrailGap { below: last.sequence, writers: dialect::writers(self, "audit_events").await? });
                    if rows.is_empty() {
                        continue;
                    }
                }
                Some(_) => {}
            }
            let events = rows.into_iter().map(AuditRow::into_event).collect::<StoreResult<Vec<_>>>()?;
            *position = TrailPosition { after: events.last().map_or(after, |event| event.sequence), gap };
            return Ok(events);
        }
    }

    async fn purge_audit_events(&mut self, before: Timestamp, limit: i64) -> StoreResult<usize> {
        dialect::purge_audit_events(self, DbTime(before), limit).await
    }
}

fn is_any_of(some: &[String], all: &[String]) -> bool {
    some.iter().any(|one| all.contains(one))
}

/// How many of these numbers in order, which come after `after`, nothing can come in front of any more: as long as none is
/// missing, and up to `settled`.
fn count_final(sequences: impl Iterator<Item = i64>, after: i64, settled: Option<i64>) -> usize {
    let mut last = after;
    let is_final = |sequence: &i64| {
        let is_next = *sequence == last + 1 || settled.is_some_and(|settled| *sequence <= settled);
        last = *sequence;
        is_next
    };
    sequences.take_while(is_final).count()
}

#[cfg(test)]
mod tests {
    use super::count_final;

    #[test]
    fn numbers_are_final_up_to_the_first_that_is_missing_and_not_settled() {
        for (sequences, after, settled, count) in [
            (&[][..], 0, None, 0),
            (&[1, 2, 3], 0, None, 3),
            (&[2, 3], 0, None, 0),
            (&[4, 5, 7], 3, None, 2),
            (&[4, 6, 7, 9], 3, Some(7), 3),
            (&[4, 6, 7, 8, 10], 3, Some(7), 4),
            (&[900, 901], 3, Some(901), 2),
            (&[4, 6], 3, Some(2), 1),
        ] {
            let found = count_final(sequences.iter().copied(), after, settled);
            assert_eq!(found, count, "{sequences:?} after {after}, settled {settled:?}");
        }
    }
}
