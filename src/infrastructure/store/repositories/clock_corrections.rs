use async_trait::async_trait;
use diesel::prelude::*;

use super::backend::Unit;
use super::backend::columns::{DbId, DbTime};
use super::backend::schema::{
    access_changes, action_tokens, answered_requests, api_keys, challenges, factor_enrolments as enrolments, factors,
    jobs, sessions, throttles, users,
};
use crate::application::policy::Policy;
use crate::application::ports::{ClockCorrections, JobWaits, Misdated, StoreResult};
use crate::domain::Timestamp;
use crate::domain::access::change::AccessChange;
use crate::domain::credential::api_key::MAX_LIFETIME;
use crate::domain::credential::factor::{ENROLMENT_LIFETIME, TOTP_STEP};
use crate::domain::session::SessionLifetimes;
use crate::domain::session::challenge;
use crate::domain::token::action_token::{ActionPurpose, ActionTokenLifetimes};
use crate::domain::token::signing_key::MAX_SKEW;

/// The rows that were stored at misdated moments.
macro_rules! within {
    ($table:ident, $misdated:expr) => {
        $table::table
            .filter($table::create_time.gt(DbTime($misdated.after)))
            .filter($table::create_time.le(DbTime($misdated.until)))
    };
}

/// When the latest row was stored.
macro_rules! latest {
    ($unit:ident, $table:ident) => {
        $unit.load::<_, Option<DbTime>>($table::table.select(diesel::dsl::max($table::create_time))).await?.pop()
    };
}

/// How many sessions are shortened at a time: SQLite takes a bounded number of values.
const BATCH: i64 = 1000;

#[async_trait]
impl ClockCorrections for Unit {
    async fn latest_moment(&self) -> StoreResult<Option<Timestamp>> {
        let moments = [latest!(self, action_tokens), latest!(self, access_changes), latest!(self, jobs)];
        Ok(moments.into_iter().flatten().flatten().map(|moment| moment.0).max())
    }

    async fn bring_back(&self, policy: &Policy, misdated: Misdated, now: Timestamp) -> StoreResult<usize> {
        let counters = self.bring_counters_back(now).await?;
        let claimed = diesel::update(within!(answered_requests, misdated));
        let answers = self.execute(claimed.set(answered_requests::create_time.eq(DbTime(now)))).await?;
        let tokens = self.bring_action_tokens_back(&policy.action_tokens, misdated, now).await?;
        let questions = self.drop_questions(now).await?;
        let codes = self.bring_codes_back(now).await?;
        let changes = self.bring_access_changes_back(misdated, now).await?;
        let used = api_keys::table.filter(api_keys::last_used_time.gt(ahead(now)));
        let uses = self.execute(diesel::update(used).set(api_keys::last_used_time.eq(Some(DbTime(now))))).await?;
        Ok(counters + answers + tokens + questions + codes + changes + uses)
    }

    async fn bring_jobs_back(&self, waits: &[JobWaits], misdated: Misdated, now: Timestamp) -> StoreResult<usize> {
        let mut count = 0;
        for wait in waits {
            count += self.bring_kind_back(wait, misdated, now).await?;
        }
        let dead = jobs::table.filter(jobs::dead_time.gt(ahead(now)));
        Ok(count + self.execute(diesel::update(dead).set(jobs::dead_time.eq(Some(DbTime(now))))).await?)
    }

    async fn shorten(&self, policy: &Policy, now: Timestamp) -> StoreResult<usize> {
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
    async fn bring_counters_back(&self, now: Timestamp) -> StoreResult<usize> {
        use throttles::{first_time, last_time};
        let past = DbTime(now - MAX_SKEW);
        let begun = diesel::update(throttles::table.filter(last_time.gt(ahead(now))).filter(first_time.gt(past)));
        self.execute(begun.set(first_time.eq(past))).await?;
        let counted = diesel::update(throttles::table.filter(last_time.gt(ahead(now))));
        self.execute(counted.set(last_time.eq(past))).await
    }

    async fn bring_action_tokens_back(
        &self,
        lifetimes: &ActionTokenLifetimes,
        misdated: Misdated,
        now: Timestamp,
    ) -> StoreResult<usize> {
        use action_tokens::{create_time, expire_time};
        let mut count = 0;
        for purpose in ActionPurpose::ALL {
            let tokens = within!(action_tokens, misdated).filter(action_tokens::purpose.eq(purpose.as_str()));
            let beginning = (create_time.eq(DbTime(now)), expire_time.eq(DbTime(now + lifetimes.of(*purpose))));
            count += self.execute(diesel::update(tokens).set(beginning)).await?;
        }
        Ok(count)
    }

    /// What lasts for minutes is asked for anew.
    async fn drop_questions(&self, now: Timestamp) -> StoreResult<usize> {
        let asked = challenges::table.filter(challenges::expire_time.gt(ahead(now + challenge::LIFETIME)));
        let begun = enrolments::table.filter(enrolments::expire_time.gt(ahead(now + ENROLMENT_LIFETIME)));
        Ok(self.execute(diesel::delete(asked)).await? + self.execute(diesel::delete(begun)).await?)
    }

    /// The step of a code from the future is barred alone, rather than all up to it.
    async fn bring_codes_back(&self, now: Timestamp) -> StoreResult<usize> {
        let step = now.unix_timestamp().div_euclid(TOTP_STEP.whole_seconds());
        let latest = step + MAX_SKEW.whole_seconds() / TOTP_STEP.whole_seconds();
        let taken = factors::table.filter(factors::last_step.gt(latest));
        let barred = (factors::barred_step.eq(factors::last_step), factors::last_step.eq(Some(step - 1)));
        self.execute(diesel::update(taken).set(barred)).await
    }

    async fn bring_access_changes_back(&self, misdated: Misdated, now: Timestamp) -> StoreResult<usize> {
        use access_changes::{create_time, forget_after, revoked_before};
        let subjects = diesel::update(within!(access_changes, misdated).filter(revoked_before.is_not_null()));
        self.execute(subjects.set(revoked_before.eq(Some(ahead(now))))).await?;
        let beginning = (create_time.eq(DbTime(now)), forget_after.eq(DbTime(AccessChange::forget_after(now))));
        self.execute(diesel::update(within!(access_changes, misdated)).set(beginning)).await
    }

    /// A job that a worker has is left to it for a lease.
    async fn bring_kind_back(&self, wait: &JobWaits, misdated: Misdated, now: Timestamp) -> StoreResult<usize> {
        use jobs::{create_time, dead_time, give_up_time, kind, lease, run_time};
        let stored = || within!(jobs, misdated).filter(kind.eq(wait.kind)).filter(dead_time.is_null());
        let retried = || jobs::table.filter(kind.eq(wait.kind)).filter(dead_time.is_null());
        let retried = || retried().filter(run_time.gt(ahead(now + wait.longest)));
        let (held, free) = (run_time.eq(DbTime(now + wait.lease)), run_time.eq(DbTime(now + wait.usual)));
        let mut count = 0;
        count += self.execute(diesel::update(stored().filter(lease.is_not_null())).set(held)).await?;
        count += self.execute(diesel::update(stored().filter(lease.is_null())).set(free)).await?;
        count += self.execute(diesel::update(retried().filter(lease.is_not_null())).set(held)).await?;
        count += self.execute(diesel::update(retried().filter(lease.is_null())).set(free)).await?;
        let beginning =
            (create_time.eq(DbTime(now)), give_up_time.eq(wait.give_up_after.map(|time| DbTime(now + time))));
        self.execute(diesel::update(stored()).set(beginning)).await?;
        Ok(count)
    }

    async fn shorten_sessions(&self, lifetimes: &SessionLifetimes, now: Timestamp) -> StoreResult<usize> {
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
