use async_trait::async_trait;
use diesel::dsl::case_when;
use diesel::prelude::*;
use diesel::query_dsl::methods;
use diesel::sql_types::Bool;

use super::backend::columns::DbTime;
use super::backend::schema::throttles::{self, count, first_time, last_time};
use super::backend::{Database, Unit};
use crate::application::ports::{StoreResult, Throttles};
use crate::domain::Timestamp;
use crate::domain::credential::throttle::{Budget, SlowDown, Throttle, ThrottleKey};

diesel::alias!(throttles as stale: Stale);

#[async_trait]
impl Throttles for Unit {
    async fn find_throttle(&self, key: &ThrottleKey) -> StoreResult<Option<Throttle>> {
        let stored = throttles::table.find(key.as_bytes().as_slice()).select((count, first_time, last_time));
        Ok(self.find::<_, StoredThrottle>(stored).await?.map(throttle))
    }

    async fn count_attempt(&self, key: &ThrottleKey, rule: &SlowDown, now: Timestamp) -> StoreResult<bool> {
        let goes_on = last_time.ge(DbTime(now - rule.forget_after));
        let next = (
            count.eq(case_when(goes_on, count + 1).otherwise(1)),
            first_time.eq(case_when(goes_on, first_time).otherwise(DbTime(now))),
            last_time.eq(DbTime(now)),
        );
        let insert = diesel::insert_into(throttles::table).values(first_event(key, DbTime(now)));
        let upsert = insert.on_conflict(throttles::key).do_update().set(next);
        Ok(self.execute(methods::FilterDsl::filter(upsert, is_free_of_waiting(rule, now))).await? == 1)
    }

    async fn take_budget(&self, key: &ThrottleKey, budget: &Budget, now: Timestamp) -> StoreResult<bool> {
        let goes_on = first_time.gt(DbTime(now - budget.window));
        let next = (
            count.eq(case_when(goes_on, count + 1).otherwise(1)),
            first_time.eq(case_when(goes_on, first_time).otherwise(DbTime(now))),
            last_time.eq(DbTime(now)),
        );
        let has_room = count.lt(budget.most).or(first_time.le(DbTime(now - budget.window)));
        // Without a gap the order does not count: requests read the clock when they come, and some take longer than others.
        let latest = if budget.gap.is_zero() { now + budget.window } else { now - budget.gap };
        let is_allowed = last_time.le(DbTime(latest)).and(has_room);
        let insert = diesel::insert_into(throttles::table).values(first_event(key, DbTime(now)));
        let upsert = insert.on_conflict(throttles::key).do_update().set(next);
        Ok(self.execute(methods::FilterDsl::filter(upsert, is_allowed)).await? == 1)
    }

    async fn take_throttle(&self, key: &ThrottleKey) -> StoreResult<Option<Throttle>> {
        let forget = diesel::delete(throttles::table.find(key.as_bytes().as_slice()));
        Ok(self
            .find_returned::<_, StoredThrottle>(forget.returning((count, first_time, last_time)))
            .await?
            .map(throttle))
    }

    async fn purge_throttles(&self, before: Timestamp, limit: i64) -> StoreResult<usize> {
        let keys = stale
            .filter(stale.field(last_time).lt(DbTime(before)))
            .select(stale.field(throttles::key))
            .order(stale.field(last_time))
            .limit(limit);
        self.execute(diesel::delete(throttles::table.filter(throttles::key.eq_any(keys)))).await
    }
}

type StoredThrottle = (i32, DbTime, DbTime);

fn throttle((events, first, last): StoredThrottle) -> Throttle {
    Throttle { count: events, first_time: first.0, last_time: last.0 }
}

type Condition = Box<dyn BoxableExpression<throttles::table, Database, SqlType = Bool>>;

fn is_free_of_waiting(rule: &SlowDown, now: Timestamp) -> Condition {
    let never: Condition = Box::new(false.into_sql::<Bool>());
    rule.free_of_waiting(now).fold(never, |free, (most, latest)| match latest {
        None => Box::new(free.or(count.le(most))),
        Some(latest) => Box::new(free.or(count.le(most).and(last_time.le(DbTime(latest))))),
    })
}

type FirstEvent<'a> = (
    diesel::dsl::Eq<throttles::key, &'a [u8]>,
    diesel::dsl::Eq<count, i32>,
    diesel::dsl::Eq<first_time, DbTime>,
    diesel::dsl::Eq<last_time, DbTime>,
);

fn first_event(key: &ThrottleKey, now: DbTime) -> FirstEvent<'_> {
    (throttles::key.eq(key.as_bytes().as_slice()), count.eq(1), first_time.eq(now), last_time.eq(now))
}
