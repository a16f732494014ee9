use async_trait::async_trait;
use diesel::prelude::*;
use uuid::Uuid;

use super::backend::columns::DbTime;
use super::backend::schema::access_changes;
use super::backend::{Unit, dialect};
use crate::application::ports::{AccessChanges, Position, RecordedChange, StoreResult};
use crate::domain::Timestamp;
use crate::domain::access::change::{AccessChange, TokenMarks};
use crate::domain::id::TokenId;
use crate::infrastructure::store::commit_order;
use crate::infrastructure::store::error::meaning;

diesel::alias!(access_changes as old: Old);

const SESSION: &str = "session";
const SUBJECT: &str = "subject";
const TOKEN: &str = "token";
const KEY: &str = "key";
const KEY_SET: &str = "key_set";
const RIGHTS: &str = "rights";

/// What stands in a row for a change.
#[derive(Queryable, Selectable)]
#[diesel(table_name = access_changes)]
struct ChangeRow {
    sequence: i64,
    kind: String,
    target: String,
    revoked_before: Option<DbTime>,
    forget_after: DbTime,
}

commit_order::sequenced!(ChangeRow of access_changes, AtOnce);

struct NewChangeRow {
    kind: &'static str,
    target: String,
    revoked_before: Option<DbTime>,
    forget_after: DbTime,
    create_time: DbTime,
}

#[derive(QueryableByName)]
struct Inserted {
    #[diesel(sql_type = diesel::sql_types::Text, column_name = id)]
    _kind: String,
}

#[async_trait]
impl AccessChanges for Unit {
    async fn insert_access_changes(&self, changes: &[AccessChange], now: Timestamp) -> StoreResult<usize> {
        if changes.is_empty() {
            return Ok(0);
        }
        let forget_after = AccessChange::forget_after(now);
        let rows: Vec<NewChangeRow> =
            changes.iter().map(|change| NewChangeRow::new(change, forget_after, now)).collect();
        let insert = dialect::inserting_all!(rows => access_changes (
            kind, target, revoked_before, forget_after, create_time
        ));
        let inserted: Vec<Inserted> = self.load_returned(insert).await?;
        self.will_tell(changes.iter().map(|change| (change.clone(), forget_after)));
        Ok(inserted.len())
    }

    async fn follow_access_changes(&self, position: &mut Position, limit: i64) -> StoreResult<Vec<RecordedChange>> {
        commit_order::follow(self, position, limit, ChangeRow::into_recorded).await
    }

    async fn is_void(&self, token: &TokenMarks<'_>) -> StoreResult<bool> {
        let ids = [*token.token_id.as_uuid(), token.sid, token.subject].map(|id| id.hyphenated().to_string());
        let targets = ids.into_iter().chain([token.key_id.to_owned()]);
        let about = access_changes::table.filter(access_changes::target.eq_any(targets));
        let rows: Vec<ChangeRow> = self.load(about.select(ChangeRow::as_select())).await?;
        let changes = rows.into_iter().map(ChangeRow::into_change).collect::<StoreResult<Vec<_>>>()?;
        Ok(changes.iter().any(|change| change.voids(token)))
    }

    async fn purge_access_changes(&self, now: Timestamp, limit: i64) -> StoreResult<usize> {
        let numbers = old
            .filter(old.field(access_changes::forget_after).lt(DbTime(now)))
            .select(old.field(access_changes::sequence))
            .order(old.field(access_changes::forget_after))
            .limit(limit);
        let over = access_changes::table.filter(access_changes::sequence.eq_any(numbers));
        self.execute(diesel::delete(over)).await
    }
}

impl NewChangeRow {
    fn new(change: &AccessChange, forget_after: Timestamp, now: Timestamp) -> Self {
        let text = |id: &Uuid| id.hyphenated().to_string();
        let (kind, target, revoked_before) = match change {
            AccessChange::Session(sid) => (SESSION, text(sid), None),
            AccessChange::Subject { id, revoked_before } => (SUBJECT, text(id), Some(DbTime(*revoked_before))),
            AccessChange::Token(id) => (TOKEN, text(id.as_uuid()), None),
            AccessChange::Key(kid) => (KEY, kid.clone(), None),
            AccessChange::KeySet => (KEY_SET, String::new(), None),
            AccessChange::Rights => (RIGHTS, String::new(), None),
        };
        Self { kind, target, revoked_before, forget_after: DbTime(forget_after), create_time: DbTime(now) }
    }
}

impl ChangeRow {
    fn into_recorded(self) -> StoreResult<RecordedChange> {
        let (sequence, forget_after) = (self.sequence, self.forget_after.0);
        Ok(RecordedChange { sequence, change: self.into_change()?, forget_after })
    }

    fn into_change(self) -> StoreResult<AccessChange> {
        let id = || meaning(Uuid::try_parse(&self.target).ok(), "access_changes.target");
        Ok(match self.kind.as_str() {
            SESSION => AccessChange::Session(id()?),
            SUBJECT => AccessChange::Subject {
                id: id()?,
                revoked_before: meaning(self.revoked_before, "access_changes.revoked_before")?.0,
            },
            TOKEN => AccessChange::Token(TokenId::from_uuid(id()?)),
            KEY => AccessChange::Key(self.target),
            KEY_SET => AccessChange::KeySet,
            RIGHTS => AccessChange::Rights,
            _ => return meaning(None, "access_changes.kind"),
        })
    }
}
