use std::collections::HashSet;

use async_trait::async_trait;
use diesel::dsl::SqlTypeOf;
use diesel::prelude::*;

use super::backend::columns::{DbId, DbTime};
use super::backend::schema::{factor_enrolments as enrolments, factors, recovery_codes};
use super::backend::{Unit, dialect};
use super::factor_row::{EnrolmentRow, FactorRow};
use crate::application::ports::{Factors, PasskeyUse, StoreResult};
use crate::domain::Timestamp;
use crate::domain::credential::factor::{Enrolment, Factor, FactorKind, HARD_LIMIT};
use crate::domain::credential::password::PasswordHash;
use crate::domain::id::{FactorId, UserId};

diesel::alias!(enrolments as expired: Expired);

/// Factors, each with the number of its recovery codes, in the order in which they were enrolled.
macro_rules! with_codes {
    ($factors:expr) => {
        $factors.order((factors::user_id, factors::create_time, factors::id)).select((
            FactorRow::as_select(),
            recovery_codes::table.filter(recovery_codes::factor_id.eq(factors::id)).count().single_value(),
        ))
    };
}

/// A factor of a kind that is not disabled.
macro_rules! enabled {
    ($id:expr, $kind:expr) => {
        factors::table
            .find(factor_id($id))
            .filter(factors::kind.eq($kind.as_str()))
            .filter(factors::failures.lt(HARD_LIMIT))
    };
}

/// How many rows are inserted at a time: SQLite takes a bounded number of values.
const ROWS: usize = 1000;

struct CodeRow<'h> {
    factor_id: DbId,
    hash: &'h str,
}

#[derive(QueryableByName)]
struct Inserted {
    #[diesel(sql_type = SqlTypeOf<recovery_codes::factor_id>, column_name = id)]
    _id: DbId,
}

#[async_trait]
impl Factors for Unit {
    async fn list_factors(&self, user_id: UserId) -> StoreResult<Vec<Factor>> {
        self.list_factors_of(&[user_id]).await
    }

    async fn list_factors_of(&self, user_ids: &[UserId]) -> StoreResult<Vec<Factor>> {
        let ids: Vec<DbId> = user_ids.iter().map(|id| DbId(*id.as_uuid())).collect();
        let query = with_codes!(factors::table.filter(factors::user_id.eq_any(ids)));
        self.load(query).await?.into_iter().map(read).collect()
    }

    async fn find_factor(&self, user_id: UserId, id: FactorId) -> StoreResult<Option<Factor>> {
        let query = with_codes!(theirs(factor_id(id), DbId(*user_id.as_uuid())));
        self.find(query).await?.map(read).transpose()
    }

    async fn find_passkey(&self, credential_id: &[u8]) -> StoreResult<Option<Factor>> {
        let query = with_codes!(factors::table.filter(factors::credential_id.eq(credential_id)));
        self.find(query).await?.map(read).transpose()
    }

    async fn insert_factor(&self, factor: &Factor) -> StoreResult<bool> {
        let insert = diesel::insert_into(factors::table).values(FactorRow::from(factor));
        Ok(self.execute(insert.on_conflict(factors::credential_id).do_nothing()).await? == 1)
    }

    async fn insert_factors(&self, factors: &[Factor], codes: &[(FactorId, PasswordHash)]) -> StoreResult<usize> {
        let mut stored = 0;
        for factors in factors.chunks(ROWS) {
            let rows: Vec<FactorRow> = factors.iter().map(FactorRow::from).collect();
            let insert = dialect::inserting_all!(rows => factors (
                id, user_id, kind, display_name, failures, create_time, last_used_time, revision, sealed_secret, last_step,
                credential_id, public_key, user_handle, rp_id, sign_count, aaguid, transports, backup_eligible, backed_up,
                user_verified
            ));
            stored += self.load_returned::<_, Inserted>(insert).await?.len();
        }
        for codes in codes.chunks(ROWS) {
            let rows: Vec<CodeRow<'_>> = codes.iter().map(|(id, hash)| CodeRow::new(*id, hash)).collect();
            let insert = dialect::inserting_all!(rows => recovery_codes (factor_id, hash));
            self.load_returned::<_, Inserted>(insert).await?;
        }
        Ok(stored)
    }

    async fn find_taken_credentials(&self, ids: &[&[u8]]) -> StoreResult<HashSet<Vec<u8>>> {
        let taken = factors::table.filter(factors::credential_id.eq_any(ids)).select(factors::credential_id);
        Ok(self.load::<_, Option<Vec<u8>>>(taken).await?.into_iter().flatten().collect())
    }

    async fn rename_factor(&self, factor: &Factor) -> StoreResult<bool> {
        let stored = factors::table.find(factor_id(factor.id)).filter(factors::revision.eq(factor.revision - 1));
        let name = (factors::display_name.eq(factor.display_name.as_str()), factors::revision.eq(factor.revision));
        Ok(self.execute(diesel::update(stored).set(name)).await? == 1)
    }

    async fn delete_factor(&self, user_id: UserId, id: FactorId) -> StoreResult<bool> {
        Ok(self.execute(diesel::delete(theirs(factor_id(id), DbId(*user_id.as_uuid())))).await? == 1)
    }

    async fn delete_factors(&self, user_id: UserId) -> StoreResult<usize> {
        let user_id = DbId(*user_id.as_uuid());
        self.execute(diesel::delete(enrolments::table.filter(enrolments::user_id.eq(user_id)))).await?;
        self.execute(diesel::delete(factors::table.filter(factors::user_id.eq(user_id)))).await
    }

    async fn take_totp_step(&self, id: FactorId, step: i64, now: Timestamp) -> StoreResult<bool> {
        let is_later = factors::last_step.is_null().or(factors::last_step.lt(step));
        let is_free = factors::barred_step.is_null().or(factors::barred_step.ne(step));
        let unused = enabled!(id, FactorKind::Totp).filter(is_later).filter(is_free);
        let change = (factors::last_step.eq(step), used(DbTime(now)));
        Ok(self.execute(diesel::update(unused).set(change)).await? == 1)
    }

    async fn take_assertion(&self, id: FactorId, use_: PasskeyUse, now: Timestamp) -> StoreResult<bool> {
        let (expected, new) = (i64::from(use_.expected_count), i64::from(use_.new_count));
        let unused = enabled!(id, FactorKind::Passkey).filter(factors::sign_count.eq(expected));
        let change = (factors::sign_count.eq(new), factors::backed_up.eq(use_.backed_up), used(DbTime(now)));
        Ok(self.execute(diesel::update(unused).set(change)).await? == 1)
    }

    async fn put_recovery_codes(&self, id: FactorId, hashes: &[PasswordHash]) -> StoreResult<()> {
        // Two who do so at a time must not leave the codes of both.
        let factor = factors::table.find(factor_id(id)).select(factors::id);
        self.load::<_, DbId>(dialect::queueing!(factor)).await?;
        let codes = recovery_codes::table.filter(recovery_codes::factor_id.eq(factor_id(id)));
        self.execute(diesel::delete(codes)).await?;
        let rows: Vec<CodeRow<'_>> = hashes.iter().map(|hash| CodeRow::new(id, hash)).collect();
        if !rows.is_empty() {
            let insert = dialect::inserting_all!(rows => recovery_codes (factor_id, hash));
            self.load_returned::<_, Inserted>(insert).await?;
        }
        Ok(())
    }

    async fn any_recovery_code(&self, id: FactorId) -> StoreResult<Option<PasswordHash>> {
        let codes = recovery_codes::table.filter(recovery_codes::factor_id.eq(factor_id(id)));
        Ok(self.find(codes.select(recovery_codes::hash).limit(1)).await?.map(PasswordHash::new))
    }

    async fn list_recovery_codes(&self, ids: &[FactorId]) -> StoreResult<Vec<(FactorId, PasswordHash)>> {
        let ids: Vec<DbId> = ids.iter().map(|id| factor_id(*id)).collect();
        let codes = recovery_codes::table.filter(recovery_codes::factor_id.eq_any(ids));
        let codes = codes.order((recovery_codes::factor_id, recovery_codes::hash));
        let found: Vec<(DbId, String)> =
            self.load(codes.select((recovery_codes::factor_id, recovery_codes::hash))).await?;
        Ok(found.into_iter().map(|(id, hash)| (FactorId::from_uuid(id.0), PasswordHash::new(hash))).collect())
    }

    /// The factor is locked first, as by whoever erases it with its codes: in another order, the two could deadlock. So it
    /// cannot be disabled meanwhile either. What decides is the deletion.
    async fn take_recovery_code(&self, id: FactorId, hash: &PasswordHash, now: Timestamp) -> StoreResult<bool> {
        let factor = enabled!(id, FactorKind::RecoveryCodes).select(factors::id);
        if self.find::<_, DbId>(dialect::queueing!(factor)).await?.is_none() {
            return Ok(false);
        }
        let code = recovery_codes::table.find((factor_id(id), hash.as_str()));
        if self.execute(diesel::delete(code)).await? == 0 {
            return Ok(false);
        }
        self.execute(diesel::update(factors::table.find(factor_id(id))).set(used(DbTime(now)))).await?;
        Ok(true)
    }

    async fn count_factor_failure(&self, id: FactorId) -> StoreResult<i32> {
        let stored = factors::table.find(factor_id(id));
        let count = diesel::update(stored).set(factors::failures.eq(factors::failures + 1));
        Ok(self.find_returned(count.returning(factors::failures)).await?.unwrap_or(0))
    }

    async fn put_enrolment(&self, enrolment: &Enrolment) -> StoreResult<()> {
        let insert = diesel::insert_into(enrolments::table).values(EnrolmentRow::from(enrolment));
        let conflict = (enrolments::user_id, enrolments::kind);
        let anew = (enrolments::id.eq(factor_id(enrolment.id)), EnrolmentRow::from(enrolment));
        self.execute(insert.on_conflict(conflict).do_update().set(anew)).await?;
        Ok(())
    }

    async fn list_enrolments(&self, user_id: UserId, now: Timestamp) -> StoreResult<Vec<Enrolment>> {
        let query = enrolments::table
            .filter(enrolments::user_id.eq(DbId(*user_id.as_uuid())))
            .filter(enrolments::expire_time.gt(DbTime(now)))
            .order((enrolments::create_time, enrolments::id))
            .select(EnrolmentRow::as_select());
        self.load(query).await?.into_iter().map(EnrolmentRow::into_enrolment).collect()
    }

    async fn count_enrolment_failure(&self, id: FactorId) -> StoreResult<i32> {
        let stored = enrolments::table.find(factor_id(id));
        let count = diesel::update(stored).set(enrolments::failures.eq(enrolments::failures + 1));
        Ok(self.find_returned(count.returning(enrolments::failures)).await?.unwrap_or(0))
    }

    async fn delete_enrolment(&self, user_id: UserId, id: FactorId) -> StoreResult<bool> {
        let stored = enrolments::table.find(factor_id(id)).filter(enrolments::user_id.eq(DbId(*user_id.as_uuid())));
        Ok(self.execute(diesel::delete(stored)).await? == 1)
    }

    async fn purge_enrolments(&self, before: Timestamp, limit: i64) -> StoreResult<usize> {
        let ids = expired
            .filter(expired.field(enrolments::expire_time).lt(DbTime(before)))
            .select(expired.field(enrolments::id))
            .order(expired.field(enrolments::expire_time))
            .limit(limit);
        self.execute(diesel::delete(enrolments::table.filter(enrolments::id.eq_any(ids)))).await
    }
}

impl<'h> CodeRow<'h> {
    fn new(id: FactorId, hash: &'h PasswordHash) -> Self {
        Self { factor_id: factor_id(id), hash: hash.as_str() }
    }
}

fn read((row, codes): (FactorRow, Option<i64>)) -> StoreResult<Factor> {
    row.into_factor(codes.unwrap_or(0))
}

fn factor_id(id: FactorId) -> DbId {
    DbId(*id.as_uuid())
}

#[diesel::dsl::auto_type]
fn theirs(id: DbId, user_id: DbId) -> _ {
    factors::table.find(id).filter(factors::user_id.eq(user_id))
}

/// What a success leaves behind.
#[diesel::dsl::auto_type]
fn used(now: DbTime) -> _ {
    (factors::failures.eq(0_i32), factors::last_used_time.eq(now))
}
