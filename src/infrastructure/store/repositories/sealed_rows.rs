use async_trait::async_trait;
use diesel::prelude::*;

use super::backend::Unit;
use super::backend::columns::DbId;
use super::backend::schema::{answered_requests, factor_enrolments, factors, jobs, server_secrets, signing_keys};
use crate::application::ports::{RequestKey, SealedPlace, SealedRows, StoreResult};
use crate::domain::id::{FactorId, JobId, RequestId};

type Sealed = Vec<(SealedPlace, Vec<u8>)>;

#[async_trait]
impl SealedRows for Unit {
    async fn list_sealed(&self, after: &SealedPlace, limit: i64) -> StoreResult<Sealed> {
        match after {
            SealedPlace::ServerSecret(name) => secrets(self, name, limit).await,
            SealedPlace::SigningKey(kid) => keys(self, kid, limit).await,
            SealedPlace::Job(id) => job_payloads(self, *id, limit).await,
            SealedPlace::Answer(key) => answers(self, *key, limit).await,
            SealedPlace::Factor(id) => factor_secrets(self, *id, limit).await,
            SealedPlace::Enrolment(id) => enrolment_secrets(self, *id, limit).await,
        }
    }

    async fn replace_sealed(&self, place: &SealedPlace, old: &[u8], new: &[u8]) -> StoreResult<bool> {
        let replaced = match place {
            SealedPlace::ServerSecret(name) => {
                let secret = server_secrets::table.find(name).filter(server_secrets::sealed.eq(old));
                self.execute(diesel::update(secret).set(server_secrets::sealed.eq(new))).await?
            }
            SealedPlace::SigningKey(kid) => {
                let key = signing_keys::table.find(kid).filter(signing_keys::sealed_private_key.eq(old));
                self.execute(diesel::update(key).set(signing_keys::sealed_private_key.eq(new))).await?
            }
            SealedPlace::Job(id) => {
                let job = jobs::table.find(DbId(*id.as_uuid())).filter(jobs::sealed.and(jobs::payload.eq(old)));
                self.execute(diesel::update(job).set(jobs::payload.eq(new))).await?
            }
            SealedPlace::Answer(key) => {
                let answer = answered_requests::table.find(columns(*key)).filter(answered_requests::sealed.eq(old));
                self.execute(diesel::update(answer).set(answered_requests::sealed.eq(new))).await?
            }
            SealedPlace::Factor(id) => {
                let factor = factors::table.find(DbId(*id.as_uuid())).filter(factors::sealed_secret.eq(old));
                self.execute(diesel::update(factor).set(factors::sealed_secret.eq(new))).await?
            }
            SealedPlace::Enrolment(id) => {
                let enrolment = factor_enrolments::table.find(DbId(*id.as_uuid()));
                let enrolment = enrolment.filter(factor_enrolments::sealed_secret.eq(old));
                self.execute(diesel::update(enrolment).set(factor_enrolments::sealed_secret.eq(new))).await?
            }
        };
        Ok(replaced == 1)
    }
}

async fn secrets(unit: &Unit, after: &str, limit: i64) -> StoreResult<Sealed> {
    use server_secrets::{name, sealed};
    let query = server_secrets::table.filter(name.gt(after)).order(name).select((name, sealed)).limit(limit);
    let rows: Vec<(String, Vec<u8>)> = unit.load(query).await?;
    Ok(rows.into_iter().map(|(key, bytes)| (SealedPlace::ServerSecret(key), bytes)).collect())
}

async fn keys(unit: &Unit, after: &str, limit: i64) -> StoreResult<Sealed> {
    use signing_keys::{kid, sealed_private_key};
    let query = signing_keys::table.filter(kid.gt(after)).order(kid).select((kid, sealed_private_key)).limit(limit);
    let rows: Vec<(String, Vec<u8>)> = unit.load(query).await?;
    Ok(rows.into_iter().map(|(key, bytes)| (SealedPlace::SigningKey(key), bytes)).collect())
}

async fn job_payloads(unit: &Unit, after: JobId, limit: i64) -> StoreResult<Sealed> {
    use jobs::{id, payload, sealed};
    let later = jobs::table.filter(id.gt(DbId(*after.as_uuid()))).filter(sealed);
    let rows: Vec<(DbId, Vec<u8>)> = unit.load(later.order(id).select((id, payload)).limit(limit)).await?;
    Ok(rows.into_iter().map(|(key, bytes)| (SealedPlace::Job(JobId::from_uuid(key.0)), bytes)).collect())
}

async fn answers(unit: &Unit, after: RequestKey, limit: i64) -> StoreResult<Sealed> {
    use answered_requests::{caller_id, request_id, sealed};
    let (caller, request) = columns(after);
    let later = caller_id.gt(caller).or(caller_id.eq(caller).and(request_id.gt(request)));
    let query = answered_requests::table
        .filter(later.and(sealed.is_not_null()))
        .order((caller_id, request_id))
        .select((caller_id, request_id, sealed.assume_not_null()))
        .limit(limit);
    let rows: Vec<(DbId, DbId, Vec<u8>)> = unit.load(query).await?;
    let place = |caller: DbId, request: DbId| {
        SealedPlace::Answer(RequestKey { caller_id: caller.0, request_id: RequestId::from_uuid(request.0) })
    };
    Ok(rows.into_iter().map(|(caller, request, bytes)| (place(caller, request), bytes)).collect())
}

async fn factor_secrets(unit: &Unit, after: FactorId, limit: i64) -> StoreResult<Sealed> {
    use factors::{id, sealed_secret};
    let later = factors::table.filter(id.gt(DbId(*after.as_uuid())).and(sealed_secret.is_not_null()));
    let query = later.order(id).select((id, sealed_secret.assume_not_null())).limit(limit);
    let rows: Vec<(DbId, Vec<u8>)> = unit.load(query).await?;
    Ok(rows.into_iter().map(|(key, bytes)| (SealedPlace::Factor(FactorId::from_uuid(key.0)), bytes)).collect())
}

async fn enrolment_secrets(unit: &Unit, after: FactorId, limit: i64) -> StoreResult<Sealed> {
    use factor_enrolments::{id, sealed_secret};
    let later = factor_enrolments::table.filter(id.gt(DbId(*after.as_uuid())).and(sealed_secret.is_not_null()));
    let query = later.order(id).select((id, sealed_secret.assume_not_null())).limit(limit);
    let rows: Vec<(DbId, Vec<u8>)> = unit.load(query).await?;
    Ok(rows.into_iter().map(|(key, bytes)| (SealedPlace::Enrolment(FactorId::from_uuid(key.0)), bytes)).collect())
}

fn columns(key: RequestKey) -> (DbId, DbId) {
    (DbId(key.caller_id), DbId(*key.request_id.as_uuid()))
}
