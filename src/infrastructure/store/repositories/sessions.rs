use async_trait::async_trait;
use diesel::dsl::{AsSelect, SqlTypeOf};
use diesel::prelude::*;
use diesel_async::AsyncConnectionCore;

use super::backend::columns::{DbId, DbTime};
use super::backend::schema::{sessions, users};
use super::backend::{Connection, Unit, dialect};
use super::session_row::{ClientRow, SessionRow};
use super::users::UserRow;
use crate::application::ports::{SessionPosition, Sessions, StoreResult};
use crate::domain::Timestamp;
use crate::domain::client::Client;
use crate::domain::id::{SessionId, UserId};
use crate::domain::secret::Digest;
use crate::domain::session::{EndReason, Session};
use crate::domain::user::User;
use crate::infrastructure::store::word::Word;

diesel::alias!(sessions as over: Over);

#[async_trait]
impl Sessions for Unit {
    async fn find_session(&mut self, id: SessionId) -> StoreResult<Option<Session>> {
        let query = sessions::table.find(DbId(*id.as_uuid())).select(SessionRow::as_select());
        self.find(query).await?.map(SessionRow::into_session).transpose()
    }

    async fn find_session_with_user(&mut self, id: SessionId) -> StoreResult<Option<(Session, User)>> {
        let query = sessions::table
            .find(DbId(*id.as_uuid()))
            .inner_join(users::table)
            .select((SessionRow::as_select(), UserRow::as_select()));
        let Some((session, user)) = self.find(query).await? else { return Ok(None) };
        Ok(Some((session.into_session()?, user.into_user()?)))
    }

    async fn insert_session(&mut self, session: &Session) -> StoreResult<()> {
        self.execute(diesel::insert_into(sessions::table).values(SessionRow::from(session))).await?;
        Ok(())
    }

    async fn rotate_session(&mut self, session: &Session, expected: &Digest) -> StoreResult<bool> {
        let row = SessionRow::from(session);
        let unchanged = sessions::table
            .find(row.id)
            .filter(sessions::refresh_digest.eq(expected.as_bytes().as_slice()))
            .filter(sessions::end_time.is_null());
        let rotation = diesel::update(unchanged).set((
            sessions::refresh_generation.eq(row.refresh_generation),
            sessions::refresh_digest.eq(row.refresh_digest),
            sessions::previous_digest.eq(row.previous_digest),
            sessions::rotate_time.eq(row.rotate_time),
            sessions::last_seen_time.eq(row.last_seen_time),
            sessions::expire_time.eq(row.expire_time),
            sessions::idle_expire_time.eq(row.idle_expire_time),
        ));
        Ok(self.execute(rotation).await? == 1)
    }

    async fn end_session(&mut self, id: SessionId, reason: EndReason, now: Timestamp) -> StoreResult<bool> {
        let live = sessions::table.find(DbId(*id.as_uuid())).filter(is_live(DbTime(now)));
        Ok(self.execute(diesel::update(live).set(ended(DbTime(now), reason))).await? == 1)
    }

    async fn end_sessions(
        &mut self,
        user_id: UserId,
        except: Option<SessionId>,
        end: (Timestamp, EndReason),
    ) -> StoreResult<usize> {
        let (now, reason) = (DbTime(end.0), end.1);
        let live = sessions::table.filter(sessions::user_id.eq(DbId(*user_id.as_uuid()))).filter(is_live(now));
        let Some(kept) = except else {
            return self.execute(diesel::update(live).set(ended(now, reason))).await;
        };
        let others = live.filter(sessions::id.ne(DbId(*kept.as_uuid())));
        self.execute(diesel::update(others).set(ended(now, reason))).await
    }

    /// The person's row is locked, so that parallel sign-ins see each other's sessions and keep the limit together.
    async fn evict_sessions(&mut self, user_id: UserId, keep: i64, now: Timestamp) -> StoreResult<usize> {
        let (user_id, now) = (DbId(*user_id.as_uuid()), DbTime(now));
        let person = users::table.find(user_id).select(users::id);
        self.load::<_, DbId>(dialect::queueing!(person)).await?;
        let surplus = sessions::table
            .filter(sessions::user_id.eq(user_id))
            .filter(is_live(now))
            .order((sessions::create_time.desc(), sessions::id.desc()))
            .select(sessions::id)
            .offset(keep);
        let surplus: Vec<DbId> = self.load(surplus).await?;
        if surplus.is_empty() {
            return Ok(0);
        }
        let surplus = sessions::table.filter(sessions::id.eq_any(surplus)).filter(is_live(now));
        self.execute(diesel::update(surplus).set(ended(now, EndReason::Evicted))).await
    }

    async fn list_sessions(
        &mut self,
        user_id: UserId,
        now: Timestamp,
        page: (Option<SessionPosition>, i64),
    ) -> StoreResult<Vec<Session>> {
        let query = sessions_of(user_id, page).filter(is_live(DbTime(now)));
        self.load(query).await?.into_iter().map(SessionRow::into_session).collect()
    }

    async fn list_all_sessions(
        &mut self,
        user_id: UserId,
        page: (Option<SessionPosition>, i64),
    ) -> StoreResult<Vec<Session>> {
        self.load(sessions_of(user_id, page)).await?.into_iter().map(SessionRow::into_session).collect()
    }

    async fn known_clients(&mut self, user_id: UserId, limit: i64) -> StoreResult<Vec<Client>> {
        let trusted = [EndReason::Logout, EndReason::Evicted].map(EndReason::word);
        let query = sessions::table
            .filter(sessions::user_id.eq(DbId(*user_id.as_uuid())))
            .filter(sessions::end_reason.is_null().or(sessions::end_reason.eq_any(trusted)))
            .order((sessions::create_time.desc(), sessions::id.desc()))
            .limit(limit)
            .select(ClientRow::as_select());
        self.load(query).await?.into_iter().map(ClientRow::into_client).collect()
    }

    async fn purge_sessions(&mut self, before: Timestamp, limit: i64) -> StoreResult<usize> {
        let ids = over
            .filter(over.field(sessions::over_time).lt(DbTime(before)))
            .select(over.field(sessions::id))
            .order(over.field(sessions::over_time))
            .limit(limit);
        self.execute(diesel::delete(sessions::table.filter(sessions::id.eq_any(ids)))).await
    }
}

/// A page of a person's sessions, newest first.
fn sessions_of(user_id: UserId, (after, limit): (Option<SessionPosition>, i64)) -> BoxedSessions {
    let query = sessions::table
        .filter(sessions::user_id.eq(DbId(*user_id.as_uuid())))
        .order((sessions::create_time.desc(), sessions::id.desc()))
        .limit(limit)
        .select(SessionRow::as_select())
        .into_boxed();
    let Some(SessionPosition { create_time, id }) = after else { return query };
    let (time, id) = (DbTime(create_time), DbId(*id.as_uuid()));
    query.filter(sessions::create_time.lt(time).or(sessions::create_time.eq(time).and(sessions::id.lt(id))))
}

type Database = <Connection as AsyncConnectionCore>::Backend;
type BoxedSessions = sessions::BoxedQuery<'static, Database, SqlTypeOf<AsSelect<SessionRow, Database>>>;

#[diesel::dsl::auto_type]
fn is_live(now: DbTime) -> _ {
    sessions::end_time.is_null().and(sessions::expire_time.gt(now)).and(sessions::idle_expire_time.gt(now))
}

#[diesel::dsl::auto_type]
fn ended(now: DbTime, reason: EndReason) -> _ {
    let word: &'static str = reason.word();
    (sessions::end_time.eq(now), sessions::end_reason.eq(word))
}
