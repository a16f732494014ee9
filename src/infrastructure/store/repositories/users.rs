use async_trait::async_trait;
use diesel::prelude::*;

use super::backend::columns::{DbId, DbTime};
use super::backend::schema::users;
use super::backend::{Unit, dialect};
use super::users_list;
use crate::application::ports::{AccessChanges, StoreResult, UserInsert, UserQuery, Users};
use crate::domain::Timestamp;
use crate::domain::access::change::AccessChange;
use crate::domain::account::attributes::Attributes;
use crate::domain::account::email::EmailAddress;
use crate::domain::account::profile::{DisplayName, Locale};
use crate::domain::account::user::{StateReason, UnprovenSignUp, User, UserState};
use crate::domain::account::username::Username;
use crate::domain::id::UserId;
use crate::infrastructure::store::error::meaning;

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = users, treat_none_as_null = true)]
#[expect(clippy::struct_excessive_bools, reason = "a field for each column")]
pub(super) struct UserRow {
    pub(super) id: DbId,
    pub(super) email_written: String,
    pub(super) email_canonical: String,
    pub(super) email_verified: bool,
    pub(super) username: Option<String>,
    pub(super) display_name: String,
    pub(super) locale: Option<String>,
    pub(super) attributes: String,
    pub(super) state: String,
    pub(super) suspend_time: Option<DbTime>,
    pub(super) state_reason: String,
    pub(super) provisional: bool,
    pub(super) wanted_username: Option<String>,
    pub(super) disputed: bool,
    pub(super) password_change_required: bool,
    pub(super) mfa_enabled: bool,
    #[diesel(skip_update)]
    pub(super) create_time: DbTime,
    pub(super) update_time: DbTime,
    // Sign-ins are recorded beside the revisions: storing one must not take a later sign-in back.
    #[diesel(skip_update)]
    pub(super) last_login_time: Option<DbTime>,
    pub(super) delete_time: Option<DbTime>,
    pub(super) purge_time: Option<DbTime>,
    pub(super) revision: i64,
}

diesel::alias!(users as gone: Gone);

#[async_trait]
impl Users for Unit {
    async fn find_user(&self, id: UserId) -> StoreResult<Option<User>> {
        let query = users::table.find(DbId(*id.as_uuid())).select(UserRow::as_select());
        self.find(query).await?.map(UserRow::into_user).transpose()
    }

    async fn find_by_email(&self, email: &EmailAddress) -> StoreResult<Option<User>> {
        let query = users::table.filter(users::email_canonical.eq(email.canonical())).select(UserRow::as_select());
        self.find(query).await?.map(UserRow::into_user).transpose()
    }

    async fn find_by_username(&self, username: &Username) -> StoreResult<Option<User>> {
        let query = users::table.filter(users::username.eq(username.as_str())).select(UserRow::as_select());
        self.find(query).await?.map(UserRow::into_user).transpose()
    }

    async fn lock_user(&self, id: UserId) -> StoreResult<Option<User>> {
        let query = users::table.find(DbId(*id.as_uuid())).select(UserRow::as_select());
        self.find(dialect::queueing!(query)).await?.map(UserRow::into_user).transpose()
    }

    async fn find_users(&self, ids: &[UserId]) -> StoreResult<Vec<User>> {
        let ids: Vec<DbId> = ids.iter().map(|id| DbId(*id.as_uuid())).collect();
        let query = users::table.filter(users::id.eq_any(ids)).select(UserRow::as_select());
        self.load(query).await?.into_iter().map(UserRow::into_user).collect()
    }

    async fn list_users(&self, query: &UserQuery) -> StoreResult<Vec<User>> {
        users_list::list(self, query).await
    }

    async fn insert_user(&self, user: &User) -> StoreResult<UserInsert> {
        let insert = diesel::insert_into(users::table).values(UserRow::from(user)).on_conflict_do_nothing();
        Ok(if self.execute(insert).await? == 1 { UserInsert::Inserted } else { UserInsert::NameTaken })
    }

    async fn update_user(&self, user: &User) -> StoreResult<bool> {
        let row = UserRow::from(user);
        let stored = users::table.filter(users::id.eq(row.id)).filter(users::revision.eq(row.revision - 1));
        Ok(self.execute(diesel::update(stored).set(row)).await? == 1)
    }

    async fn purge_users(&self, now: Timestamp, limit: i64) -> StoreResult<Vec<UserId>> {
        let ids = gone
            .filter(gone.field(users::purge_time).le(DbTime(now)))
            .select(gone.field(users::id))
            .order(gone.field(users::purge_time))
            .limit(limit);
        // Asked again of the row itself: somebody may take the deletion back between the query and the lock.
        let still_due = users::table.filter(users::id.eq_any(ids)).filter(users::purge_time.le(DbTime(now)));
        let erased = diesel::delete(still_due).returning(users::id);
        let ids: Vec<DbId> = self.load_returned(erased).await?;
        self.void_tokens_of(&ids, now).await?;
        Ok(ids.into_iter().map(|id| UserId::from_uuid(id.0)).collect())
    }

    async fn erase_user(&self, id: UserId, now: Timestamp) -> StoreResult<()> {
        let person = users::table.find(DbId(*id.as_uuid()));
        let ids: Vec<DbId> = self.load_returned(diesel::delete(person).returning(users::id)).await?;
        self.void_tokens_of(&ids, now).await
    }

    async fn record_login(&self, id: UserId, time: Timestamp) -> StoreResult<()> {
        let user = users::table.find(DbId(*id.as_uuid()));
        self.execute(diesel::update(user).set(users::last_login_time.eq(DbTime(time)))).await?;
        Ok(())
    }
}

impl Unit {
    /// Makes the access tokens of erased people void, whose sessions went with them.
    async fn void_tokens_of(&self, ids: &[DbId], now: Timestamp) -> StoreResult<()> {
        let void = |id: &DbId| AccessChange::Subject { id: id.0, revoked_before: now };
        let changes: Vec<AccessChange> = ids.iter().map(void).collect();
        self.insert_access_changes(&changes, now).await?;
        Ok(())
    }
}

impl From<&User> for UserRow {
    fn from(user: &User) -> Self {
        let unproven = user.unproven.as_ref();
        Self {
            id: DbId(*user.id.as_uuid()),
            email_written: user.email.written().to_owned(),
            email_canonical: user.email.canonical().to_owned(),
            email_verified: user.email_verified,
            username: user.username.as_ref().map(|name| name.as_str().to_owned()),
            display_name: user.display_name.as_str().to_owned(),
            locale: user.locale.as_ref().map(|locale| locale.as_str().to_owned()),
            attributes: user.attributes.as_json().to_owned(),
            state: user.state.as_str().to_owned(),
            suspend_time: user.suspend_time.map(DbTime),
            state_reason: user.state_reason.as_str().to_owned(),
            provisional: user.unproven.is_some(),
            wanted_username: unproven
                .and_then(|sign_up| sign_up.username.as_ref())
                .map(|name| name.as_str().to_owned()),
            disputed: user.is_disputed(),
            password_change_required: user.password_change_required,
            mfa_enabled: user.mfa_enabled,
            create_time: DbTime(user.create_time),
            update_time: DbTime(user.update_time),
            last_login_time: user.last_login_time.map(DbTime),
            delete_time: user.delete_time.map(DbTime),
            purge_time: user.purge_time.map(DbTime),
            revision: user.revision,
        }
    }
}

impl UserRow {
    /// The person that the row tells of.
    pub(super) fn into_user(self) -> StoreResult<User> {
        let wanted = optional(self.wanted_username, "users.wanted_username", |text| Username::parse(text).ok())?;
        let unproven = self.provisional.then_some(UnprovenSignUp { username: wanted, disputed: self.disputed });
        Ok(User {
            id: UserId::from_uuid(self.id.0),
            email: meaning(EmailAddress::parse(&self.email_written).ok(), "users.email_written")?,
            email_verified: self.email_verified,
            username: optional(self.username, "users.username", |text| Username::parse(text).ok())?,
            display_name: meaning(DisplayName::parse(&self.display_name).ok(), "users.display_name")?,
            locale: optional(self.locale, "users.locale", |text| Locale::parse(text).ok())?,
            attributes: Attributes::stored(self.attributes),
            state: meaning(UserState::parse(&self.state), "users.state")?,
            suspend_time: self.suspend_time.map(|time| time.0),
            state_reason: meaning(StateReason::parse(&self.state_reason).ok(), "users.state_reason")?,
            unproven,
            password_change_required: self.password_change_required,
            mfa_enabled: self.mfa_enabled,
            create_time: self.create_time.0,
            update_time: self.update_time.0,
            last_login_time: self.last_login_time.map(|time| time.0),
            delete_time: self.delete_time.map(|time| time.0),
            purge_time: self.purge_time.map(|time| time.0),
            revision: self.revision,
        })
    }
}

fn optional<T>(
    text: Option<String>,
    place: &'static str,
    read: impl FnOnce(&str) -> Option<T>,
) -> StoreResult<Option<T>> {
    text.map(|text| meaning(read(&text), place)).transpose()
}
