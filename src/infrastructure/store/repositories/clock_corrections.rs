use async_trait::async_trait;
use diesel::prelude::*;

use super::backend::Unit;
use super::backend::columns::{DbId, DbTime};
use super::backend::schema::{
    access_changes, action_tokens, answered_requests, api_keys, challenges, factor_enrolments as enrolments, factors,
    jobs, sessions, throttles, users,
};
use crate::application::policy::Policy;
use crate::application::ports::{ClockCorrections, JobWaits, StoreResult};
use crate::domain::Timestamp;
use crate::domain::access::change::AccessChange;
use crate::domain::credential::api_key::MAX_LIFETIME;
use crate::domain::credential::factor::{ENROLMENT_LIFETIME, TOTP_STEP};
use crate::domain::session::SessionLifetimes;
use crate::domain::session::challenge;
use crate::domain::token::action_token::{ActionPurpose, ActionTokenLifetimes};
use crate::domain::token::signing_key::MAX_SKEW;

/// How many sessions are shortened at a time: SQLite takes a bounded number of values.
const BATCH: i64 = 1000;

#[async_trait]
impl ClockCorrections for Unit {
    async fn bring_back(&mut self, policy: &Policy, now: Timestamp) -> StoreResult<usize> {
        let counters = self.bring_counters_back(now).await?;
        let tokens = self.bring_action_tokens_back(&policy.action_tokens, now).await?;
        let questions = self.drop_questions(now).await?;
        let codes = self.bring_codes_back(now).await?;
        let changes = self.bring_access_changes_back(now).await?;
        let used = api_keys::table.filter(api_keys::last_used_time.gt(ahead(now)));
        let uses = self.execute(diesel::update(used).set(api_keys::last_used_time.eq(Some(DbTime(now))))).await?;
        Ok(counters + tokens + questions + codes + changes + uses)
    }

    async fn bring_jobs_back(&mut self, waits: &[JobWaits], now: Timestamp) -> StoreResult<usize> {
        let mut count = 0;
        for wait in waits {
            count += self.bring_kind_back(wait, now).await?;
        }
        let dead = jobs::table.filter(jobs::dead_time.gt(ahead(now)));
        Ok(count + self.execute(diesel::update(dead).set(jobs::dead_time.eq(Some(DbTime(now))))).await?)
    }

    async fn shorten(&mut self, policy: &Policy, now: Timestamp) -> StoreResult<usize> {
        let sessions = self.shorten_sessions(&policy.sessions, now).await?;
        let latest = now + MAX_LIFETIME;
        let keys = api_keys::table.filter(api_keys::expire_time.gt(ahead(latest)));
        let keys = self.execute(diesel::update(keys).set(api_keys::expire_time.eq(DbTime(latest)))).await?;
        let deleted = users::table
            .filter(users::purge_time.gt(ahead(now + policy.deleted_retention)))
            .filter(users::delete_time.gt(ahead(now)));
        let beginning = (
            users::delete_time.eq(Some(DbTime(now))),
            users::purge_time.eq(Some(DbTime(now + policy.deleted_retention))),
        );
        Ok(sessions + keys + self.execute(diesel::update(deleted).set(beginning)).await?)
    }
}

impl Unit {
    /// Events of the future count as if they had happened a minute ago: no gap between two mails is longer, and the waiting
    /// times begin now.
    async fn bring_counters_back(&mut self, now: Timestamp) -> StoreResult<usize> {
        use throttles::{first_time, last_time};
        let past = DbTime(now - MAX_SKEW);
        let begun = diesel::update(throttles::table.filter(last_time.gt(ahead(now))).filter(first_time.gt(past)));
        self.execute(begun.set(first_time.eq(past))).await?;
        let counted = self
            .execute(diesel::update(throttles::table.filter(last_time.gt(ahead(now)))).set(last_time.eq(past)))
            .await?;
        let claimed = answered_requests::table.filter(answered_requests::create_time.gt(ahead(now)));
        let claimed = diesel::update(claimed).set(answered_requests::create_time.eq(DbTime(now)));
        Ok(counted + self.execute(claimed).await?)
    }

    async fn bring_action_tokens_back(
        &mut self,
        lifetimes: &ActionTokenLifetimes,
        now: Timestamp,
    ) -> StoreResult<usize> {
        use action_tokens::{create_time, expire_time};
        let mut count = 0;
        for purpose in ActionPurpose::ALL {
            let latest = now + lifetimes.of(*purpose);
            let tokens = action_tokens::table
                .filter(action_tokens::purpose.eq(purpose.as_str()))
                .filter(expire_time.gt(ahead(latest)))
                .filter(create_time.gt(ahead(now)));
            let beginning = (create_time.eq(DbTime(now)), expire_time.eq(DbTime(latest)));
            count += self.execute(diesel::update(tokens).set(beginning)).await?;
        }
        Ok(count)
    }

    /// What lasts for minutes is asked for anew.
    async fn drop_questions(&mut self, now: Timestamp) -> StoreResult<usize> {
        let asked = challenges::table.filter(challenges::expire_time.gt(ahead(now + challenge::LIFETIME)));
        let begun = enrolments::table.filter(enrolments::expire_time.gt(ahead(now + ENROLMENT_LIFETIME)));
        Ok(self.execute(diesel::delete(asked)).await? + self.execute(diesel::delete(begun)).await?)
    }

    /// The step of a code from the future is barred alone, rather than all up to it.
    async fn bring_codes_back(&mut self, now: Timestamp) -> StoreResult<usize> {
        let step = now.unix_timestamp().div_euclid(TOTP_STEP.whole_seconds());
        let latest = step + MAX_SKEW.whole_seconds() / TOTP_STEP.whole_seconds();
        let taken = factors::table.filter(factors::last_step.gt(latest));
        let barred = (factors::barred_step.eq(factors::last_step), factors::last_step.eq(Some(step - 1)));
        self.execute(diesel::update(taken).set(barred)).await
    }

    async fn bring_access_changes_back(&mut self, now: Timestamp) -> StoreResult<usize> {
        use access_changes::{create_time, forget_after, revoked_before};
        let latest = AccessChange::forget_after(now);
        let changes = || access_changes::table.filter(forget_after.gt(ahead(latest)));
        let subjects = diesel::update(changes().filter(revoked_before.is_not_null()));
        self.execute(subjects.set(revoked_before.eq(Some(ahead(now))))).await?;
        let beginning = (create_time.eq(DbTime(now)), forget_after.eq(DbTime(latest)));
        self.execute(diesel::update(changes()).set(beginning)).await
    }

    /// A job that a worker has is left to it for a lease.
    async fn bring_kind_back(&mut self, wait: &JobWaits, now: Timestamp) -> StoreResult<usize> {
        use jobs::{create_time, give_up_time, lease, run_time};
        let of_kind = || jobs::table.filter(jobs::kind.eq(wait.kind)).filter(jobs::dead_time.is_null());
        let late = || of_kind().filter(run_time.gt(ahead(now + wait.longest)).or(create_time.gt(ahead(now))));
        let held = diesel::update(late().filter(lease.is_not_null())).set(run_time.eq(DbTime(now + wait.lease)));
        let free = diesel::update(late().filter(lease.is_null())).set(run_time.eq(DbTime(now + wait.usual)));
        let count = self.execute(held).await? + self.execute(free).await?;
        let beginning =
            (create_time.eq(DbTime(now)), give_up_time.eq(wait.give_up_after.map(|time| DbTime(now + time))));
        self.execute(diesel::update(of_kind().filter(create_time.gt(ahead(now)))).set(beginning)).await?;
        Ok(count)
    }

    async fn shorten_sessions(&mut self, lifetimes: &SessionLifetimes, now: Timestamp) -> StoreResult<usize> {
        use sessions::{create_time, expire_time, idle_expire_time, last_seen_time};
        let late = sessions::table
            .filter(sessions::over_time.gt(ahead(now + lifetimes.idle)))
            .filter(last_seen_time.gt(ahead(now)));
        let ids: Vec<DbId> = self.load(late.select(sessions::id).limit(BATCH)).await?;
        let of_those = || sessions::table.filter(sessions::id.eq_any(ids.clone()));
        let begun = diesel::update(of_those().filter(create_time.gt(ahead(now))));
        let beginning = (create_time.eq(DbTime(now)), expire_time.eq(DbTime(now + lifetimes.absolute)));
        self.execute(begun.set(beginning)).await?;
        let seen = (
            last_seen_time.eq(DbTime(now)),
            sessions::rotate_time.eq(DbTime(now)),
            idle_expire_time.eq(DbTime(now + lifetimes.idle)),
            sessions::aal2_expire_time.eq(None::<DbTime>),
        );
        self.execute(diesel::update(of_those()).set(seen)).await
    }
}

/// From when on a moment that may not be later than this one is of the future: clocks may differ by less.
fn ahead(moment: Timestamp) -> DbTime {
    DbTime(moment + MAX_SKEW)
}
