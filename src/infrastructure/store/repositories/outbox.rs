use async_trait::async_trait;
use diesel::dsl::min;
use diesel::prelude::*;

use super::backend::columns::{DbId, DbTime};
use super::backend::schema::mail_outbox;
use super::backend::{Unit, dialect};
use crate::application::ports::{Outbox, OutboxEntry, StoreResult};
use crate::domain::Timestamp;
use crate::domain::id::{MailId, UserId};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = mail_outbox)]
struct MailRow {
    id: DbId,
    user_id: Option<DbId>,
    kind: String,
    sealed: Vec<u8>,
    create_time: DbTime,
    attempts: i32,
    next_attempt_time: DbTime,
}

#[async_trait]
impl Outbox for Unit {
    async fn enqueue_mail(&mut self, entry: &OutboxEntry) -> StoreResult<()> {
        self.execute(diesel::insert_into(mail_outbox::table).values(MailRow::from(entry))).await?;
        Ok(())
    }

    /// The rows are locked before they are changed, not in a subquery of the change: PostgreSQL may run that more than
    /// once and would then lock more than the limit.
    async fn claim_mail(&mut self, now: Timestamp, retry_time: Timestamp, limit: i64) -> StoreResult<Vec<OutboxEntry>> {
        let due = mail_outbox::table
            .filter(mail_outbox::next_attempt_time.le(DbTime(now)))
            .order((mail_outbox::next_attempt_time, mail_outbox::id))
            .select(mail_outbox::id)
            .limit(limit);
        let due: Vec<DbId> = self.load(dialect::claiming!(due)).await?;
        let claimed = mail_outbox::table.filter(mail_outbox::id.eq_any(&due));
        let claim = diesel::update(claimed).set((
            mail_outbox::attempts.eq(mail_outbox::attempts + 1),
            mail_outbox::next_attempt_time.eq(DbTime(retry_time)),
        ));
        let mut rows: Vec<MailRow> = self.load(claim.returning(MailRow::as_returning())).await?;
        rows.sort_by_key(|row| due.iter().position(|id| id.0 == row.id.0));
        Ok(rows.into_iter().map(OutboxEntry::from).collect())
    }

    async fn remove_mail(&mut self, id: MailId) -> StoreResult<()> {
        self.execute(diesel::delete(mail_outbox::table.find(DbId(*id.as_uuid())))).await?;
        Ok(())
    }

    async fn postpone_mail(&mut self, id: MailId, next_attempt_time: Timestamp) -> StoreResult<()> {
        let mail = mail_outbox::table.find(DbId(*id.as_uuid()));
        let time = mail_outbox::next_attempt_time.eq(DbTime(next_attempt_time));
        self.execute(diesel::update(mail).set(time)).await?;
        Ok(())
    }

    async fn next_mail_time(&mut self) -> StoreResult<Option<Timestamp>> {
        let earliest = mail_outbox::table.select(min(mail_outbox::next_attempt_time));
        let found: Option<Option<DbTime>> = self.find(earliest).await?;
        Ok(found.flatten().map(|time| time.0))
    }
}

impl From<&OutboxEntry> for MailRow {
    fn from(entry: &OutboxEntry) -> Self {
        Self {
            id: DbId(*entry.id.as_uuid()),
            user_id: entry.user_id.map(|id| DbId(*id.as_uuid())),
            kind: entry.kind.clone(),
            sealed: entry.sealed.clone(),
            create_time: DbTime(entry.create_time),
            attempts: entry.attempts,
            next_attempt_time: DbTime(entry.next_attempt_time),
        }
    }
}

impl From<MailRow> for OutboxEntry {
    fn from(row: MailRow) -> Self {
        Self {
            id: MailId::from_uuid(row.id.0),
            user_id: row.user_id.map(|id| UserId::from_uuid(id.0)),
            kind: row.kind,
            sealed: row.sealed,
            create_time: row.create_time.0,
            attempts: row.attempts,
            next_attempt_time: row.next_attempt_time.0,
        }
    }
}
