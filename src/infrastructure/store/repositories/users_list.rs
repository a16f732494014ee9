//! Lists of people. Each page is the merger of one page for each state, as the indexes hold each state apart: so every
//! order of every set of states is a few ranges of an index, of which no more is read than a page of each.

use std::ops::Bound::{Excluded, Included, Unbounded};

use diesel::QueryResult;
use diesel::dsl::{AsSelect, SqlTypeOf, sql};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool};

use super::backend::columns::{DbId, DbTime};
use super::backend::schema::{role_grants, roles, users};
use super::backend::{Database, Unit};
use super::users::UserRow;
use crate::application::ports::{StoreResult, UserCursor, UserQuery};
use crate::domain::Timestamp;
use crate::domain::account::user::{User, UserState};
use crate::domain::id::UserId;
use crate::domain::interval::Interval;
use crate::domain::listing::user_filter::{RoleKey, UserFilter};
use crate::domain::listing::user_order::Direction;

type Rows<'a> = users::BoxedQuery<'a, Database, SqlTypeOf<AsSelect<UserRow, Database>>>;

/// The page, in order.
pub(super) async fn list(unit: &Unit, query: &UserQuery) -> StoreResult<Vec<User>> {
    let Some(roles) = find_roles(unit, &query.filter).await? else { return Ok(Vec::new()) };
    let page = |state| in_state(query, &roles, state);
    // One statement, as somebody whose state changes between two of them would be missed or counted twice.
    let pages = page(UserState::Pending)
        .union_all(page(UserState::Active))
        .union_all(page(UserState::Suspended))
        .union_all(page(UserState::Deleted));
    let merger = Merger { pages, order: order(query), limit: query.limit };
    let rows: Vec<UserRow> = unit.load(merger).await?;
    rows.into_iter().map(UserRow::into_user).collect()
}

/// The ids of the roles in the filter, or `None` if there is no such role. They are found first, as how many people have
/// a role decides on the plan.
async fn find_roles(unit: &Unit, filter: &UserFilter) -> StoreResult<Option<Vec<DbId>>> {
    let mut ids = Vec::new();
    for role in &filter.roles {
        let id = match role {
            RoleKey::Id(id) => Some(DbId(*id.as_uuid())),
            RoleKey::Name(name) => {
                unit.find(roles::table.filter(roles::name.eq(name.as_str())).select(roles::id)).await?
            }
        };
        let Some(id) = id else { return Ok(None) };
        ids.push(id);
    }
    Ok(Some(ids))
}

/// Restricts rows to those whose column lies in an interval. A single value is asked for by `=`: SQLite does not see that
/// two bounds leave but one.
macro_rules! within {
    ($rows:ident, $column:expr, $interval:expr, $bound:expr) => {
        match ($interval.from, $interval.to) {
            (Included(from), Included(to)) if from == to => $rows.filter($column.eq($bound(from))),
            (from, to) => {
                let rows = match from {
                    Included(from) => $rows.filter($column.ge($bound(from))),
                    Excluded(from) => $rows.filter($column.gt($bound(from))),
                    Unbounded => $rows,
                };
                match to {
                    Included(to) => rows.filter($column.le($bound(to))),
                    Excluded(to) => rows.filter($column.lt($bound(to))),
                    Unbounded => rows,
                }
            }
        }
    };
}

/// The page of those in one state; an empty one, if the filter leaves the state out.
fn in_state<'a>(query: &UserQuery, roles: &[DbId], state: UserState) -> Rows<'a> {
    let filter = query.filter.clone();
    let mut rows: Rows<'a> = users::table
        .filter(users::state.eq(state.as_str()))
        .limit(if filter.states.contains(&state) { query.limit } else { 0 })
        .select(UserRow::as_select())
        .into_boxed();
    for role in roles {
        let holders = role_grants::table.filter(role_grants::role_id.eq(*role)).select(role_grants::user_id);
        rows = rows.filter(users::id.eq_any(holders));
    }
    rows = within!(rows, users::username, filter.username, String::from);
    let (mut email, mut create_time) = (filter.email, filter.create_time);
    match &query.cursor {
        UserCursor::Email(after) => {
            if let Some(after) = after {
                email = email.and(beyond(after.clone(), query.direction));
            }
        }
        UserCursor::CreateTime(after) => {
            if let Some((time, id)) = after {
                create_time = without_passed_bound(create_time, *time, query.direction);
                rows = rows.filter(is_beyond(*time, *id, query.direction));
            }
        }
    }
    rows = within!(rows, users::email_canonical, email, String::from);
    rows = within!(rows, users::create_time, create_time, DbTime);
    match (&query.cursor, query.direction) {
        (UserCursor::Email(_), Direction::Ascending) => rows.order(users::email_canonical),
        (UserCursor::Email(_), Direction::Descending) => rows.order(users::email_canonical.desc()),
        (UserCursor::CreateTime(_), Direction::Ascending) => rows.order((users::create_time, users::id)),
        (UserCursor::CreateTime(_), Direction::Descending) => rows.order((users::create_time.desc(), users::id.desc())),
    }
}

/// All that comes after a value.
fn beyond<T: Ord>(after: T, direction: Direction) -> Interval<T> {
    match direction {
        Direction::Ascending => Interval { from: Excluded(after), to: Unbounded },
        Direction::Descending => Interval { from: Unbounded, to: Excluded(after) },
    }
}

/// The interval without the bound that the position has passed. SQLite would begin to read at whichever bound it likes.
fn without_passed_bound(
    interval: Interval<Timestamp>,
    position: Timestamp,
    direction: Direction,
) -> Interval<Timestamp> {
    match direction {
        _ if !interval.contains(&position) => interval,
        Direction::Ascending => Interval { from: Unbounded, ..interval },
        Direction::Descending => Interval { to: Unbounded, ..interval },
    }
}

/// Whether time and id lie beyond a position. As a comparison of rows it is one range of the index, also where very many
/// have one time; `a > x OR a = x AND b > y` is not.
fn is_beyond(
    time: Timestamp,
    id: UserId,
    direction: Direction,
) -> Box<dyn BoxableExpression<users::table, Database, SqlType = Bool>> {
    let comparison = match direction {
        Direction::Ascending => "(users.create_time, users.id) > (",
        Direction::Descending => "(users.create_time, users.id) < (",
    };
    let position = sql::<Bool>(comparison)
        .bind::<SqlTypeOf<users::create_time>, _>(DbTime(time))
        .sql(", ")
        .bind::<SqlTypeOf<users::id>, _>(DbId(*id.as_uuid()))
        .sql(")");
    Box::new(position)
}

/// The order of a query by the names of columns, as no table can be named in the order of a union.
fn order(query: &UserQuery) -> &'static str {
    match (&query.cursor, query.direction) {
        (UserCursor::Email(_), Direction::Ascending) => "email_canonical",
        (UserCursor::Email(_), Direction::Descending) => "email_canonical DESC",
        (UserCursor::CreateTime(_), Direction::Ascending) => "create_time, id",
        (UserCursor::CreateTime(_), Direction::Descending) => "create_time DESC, id DESC",
    }
}

/// The first of the rows of ordered pages, in this order.
///
/// It is planned anew each time, with its values: how rare a value is decides which index is best, and a plan that was
/// kept for any value could read the whole table for a rare one.
struct Merger<Q> {
    pages: Q,
    order: &'static str,
    limit: i64,
}

impl<Q: Query> Query for Merger<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> QueryId for Merger<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: QueryFragment<Database>> QueryFragment<Database> for Merger<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Database>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        self.pages.walk_ast(out.reborrow())?;
        out.push_sql(" ORDER BY ");
        out.push_sql(self.order);
        out.push_sql(" LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}
