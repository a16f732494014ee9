use async_trait::async_trait;
use diesel::dsl::{AsSelect, SqlTypeOf};
use diesel::prelude::*;
use futures_util::future::try_join;

use super::backend::columns::{DbId, DbTime};
use super::backend::schema::{challenges, sessions, users};
use super::backend::{Database, Unit, dialect};
use super::session_row::{ClientRow, SessionRow};
use super::users::UserRow;
use crate::application::ports::{AccessChanges, Challenges, SessionPosition, Sessions, StoreResult};
use crate::domain::Timestamp;
use crate::domain::access::change::AccessChange;
use crate::domain::account::user::{User, UserState};
use crate::domain::id::{SessionId, UserId};
use crate::domain::secret::Digest;
use crate::domain::session::client::Client;
use crate::domain::session::{EndReason, Session};

diesel::alias!(sessions as over: Over);

#[async_trait]
impl Sessions for Unit {
    async fn find_session(&self, id: SessionId) -> StoreResult<Option<Session>> {
        let query = sessions::table.find(DbId(*id.as_uuid())).select(SessionRow::as_select());
        self.find(query).await?.map(SessionRow::into_session).transpose()
    }

    async fn find_session_with_user(&self, id: SessionId) -> StoreResult<Option<(Session, User)>> {
        let query = sessions::table
            .find(DbId(*id.as_uuid()))
            .inner_join(users::table)
            .select((SessionRow::as_select(), UserRow::as_select()));
        let Some((session, user)) = self.find(query).await? else { return Ok(None) };
        Ok(Some((session.into_session()?, user.into_user()?)))
    }

    async fn insert_session(&self, session: &Session) -> StoreResult<()> {
        self.execute(diesel::insert_into(sessions::table).values(SessionRow::from(session))).await?;
        Ok(())
    }

    async fn rotate_session(&self, session: &Session, expected: &Digest) -> StoreResult<bool> {
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
            sessions::aal2_expire_time.eq(row.aal2_expire_time),
            sessions::auth_time.eq(row.auth_time),
            sessions::proofs.eq(row.proofs),
            sessions::amr.eq(row.amr),
            sessions::acr.eq(row.acr),
            sessions::last_seen_time.eq(row.last_seen_time),
            sessions::expire_time.eq(row.expire_time),
            sessions::idle_expire_time.eq(row.idle_expire_time),
        ));
        Ok(self.execute(rotation).await? == 1)
    }

    async fn end_session(&self, id: SessionId, reason: EndReason, now: Timestamp) -> StoreResult<bool> {
        let live = sessions::table.find(DbId(*id.as_uuid())).filter(is_live(DbTime(now)));
        let end = diesel::update(live).set(ended(DbTime(now), reason)).returning(sessions::id);
        let ids = self.load_returned(end).await?;
        Ok(self.void_sessions(&ids, now).await? == 1)
    }

    async fn end_sessions(
        &self,
        user_id: UserId,
        except: Option<SessionId>,
        end: (Timestamp, EndReason),
    ) -> StoreResult<usize> {
        let (now, reason) = end;
        self.delete_challenges(user_id).await?;
        let live = sessions::table.filter(sessions::user_id.eq(DbId(*user_id.as_uuid()))).filter(is_live(DbTime(now)));
        // Without one to keep, no session has the id of nobody.
        let others = live.filter(sessions::id.ne(DbId(*except.unwrap_or(SessionId::NOBODY).as_uuid())));
        let end = diesel::update(others).set(ended(DbTime(now), reason)).returning(sessions::id);
        let ids = self.load_returned(end).await?;
        self.void_sessions(&ids, now).await
    }

    /// The person's row is locked, so that parallel sign-ins see each other's sessions and keep the limit together.
    async fn evict_sessions(&self, user_id: UserId, keep: i64, now: Timestamp) -> StoreResult<usize> {
        let (user_id, time) = (DbId(*user_id.as_uuid()), DbTime(now));
        let person = users::table.find(user_id).select(users::id);
        let lock = self.load::<_, DbId>(dialect::queueing!(person));
        let surplus = sessions::table
            .filter(sessions::user_id.eq(user_id))
            .filter(is_live(time))
            .order((sessions::create_time.desc(), sessions::id.desc()))
            .select(sessions::id)
            .offset(keep);
        let (_, surplus) = try_join(lock, self.load::<_, DbId>(surplus)).await?;
        if surplus.is_empty() {
            return Ok(0);
        }
        let surplus = sessions::table.filter(sessions::id.eq_any(surplus)).filter(is_live(time));
        let end = diesel::update(surplus).set(ended(time, EndReason::Evicted)).returning(sessions::id);
        let ids = self.load_returned(end).await?;
        self.void_sessions(&ids, now).await
    }

    async fn end_unproven_sessions(&self, (now, reason): (Timestamp, EndReason), limit: i64) -> StoreResult<usize> {
        let pending = users::table.filter(users::state.eq(UserState::Pending.as_str())).select(users::id);
        let waiting = challenges::table.filter(challenges::user_id.eq_any(pending.nullable()));
        self.execute(diesel::delete(waiting)).await?;
        let live = sessions::table.filter(is_live(DbTime(now))).filter(sessions::user_id.eq_any(pending));
        let ids: Vec<DbId> = self.load(live.select(sessions::id).limit(limit)).await?;
        let live = sessions::table.filter(sessions::id.eq_any(ids)).filter(is_live(DbTime(now)));
        let end = diesel::update(live).set(ended(DbTime(now), reason)).returning(sessions::id);
        let ids = self.load_returned(end).await?;
        self.void_sessions(&ids, now).await
    }

    async fn list_sessions(
        &self,
        user_id: UserId,
        now: Timestamp,
        page: (Option<SessionPosition>, i64),
    ) -> StoreResult<Vec<Session>> {
        let query = sessions_of(user_id, page).filter(is_live(DbTime(now)));
        self.load(query).await?.into_iter().map(SessionRow::into_session).collect()
    }

    async fn list_all_sessions(
        &self,
        user_id: UserId,
        page: (Option<SessionPosition>, i64),
    ) -> StoreResult<Vec<Session>> {
        self.load(sessions_of(user_id, page)).await?.into_iter().map(SessionRow::into_session).collect()
    }

    async fn known_clients(&self, user_id: UserId, limit: i64) -> StoreResult<Vec<Client>> {
        let trusted = [EndReason::Logout, EndReason::Evicted, EndReason::Replaced].map(EndReason::as_str);
        let query = sessions::table
            .filter(sessions::user_id.eq(DbId(*user_id.as_uuid())))
            .filter(sessions::end_reason.is_null().or(sessions::end_reason.eq_any(trusted)))
            .order((sessions::create_time.desc(), sessions::id.desc()))
            .limit(limit)
            .select(ClientRow::as_select());
        self.load(query).await?.into_iter().map(ClientRow::into_client).collect()
    }

    async fn purge_sessions(&self, before: Timestamp, limit: i64) -> StoreResult<usize> {
        let ids = over
            .filter(over.field(sessions::over_time).lt(DbTime(before)))
            .select(over.field(sessions::id))
            .order(over.field(sessions::over_time))
            .limit(limit);
        self.execute(diesel::delete(sessions::table.filter(sessions::id.eq_any(ids)))).await
    }
}

impl Unit {
    /// Makes the access tokens of sessions void that ended in this transaction. How many sessions.
    async fn void_sessions(&self, ids: &[DbId], now: Timestamp) -> StoreResult<usize> {
        let changes: Vec<AccessChange> = ids.iter().map(|id| AccessChange::Session(id.0)).collect();
        self.insert_access_changes(&changes, now).await
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

type BoxedSessions = sessions::BoxedQuery<'static, Database, SqlTypeOf<AsSelect<SessionRow, Database>>>;

#[diesel::dsl::auto_type]
fn is_live(now: DbTime) -> _ {
    sessions::end_time.is_null().and(sessions::expire_time.gt(now)).and(sessions::idle_expire_time.gt(now))
}

#[diesel::dsl::auto_type]
fn ended(now: DbTime, reason: EndReason) -> _ {
    let text: &'static str = reason.as_str();
    (sessions::end_time.eq(now), sessions::end_reason.eq(text))
}
