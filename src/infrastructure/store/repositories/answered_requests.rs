use async_trait::async_trait;
use diesel::prelude::*;
use diesel::query_dsl::methods;

use super::backend::Unit;
use super::backend::columns::{DbId, DbTime};
use super::backend::schema::answered_requests::{self, caller_id, create_time, digest, request_id, sealed};
use crate::application::ports::{AnsweredRequest, AnsweredRequests, RequestKey, StoreResult};
use crate::domain::Timestamp;
use crate::domain::secret::Digest;
use crate::infrastructure::store::error::meaning;

diesel::alias!(answered_requests as old: Old);

#[async_trait]
impl AnsweredRequests for Unit {
    async fn claim_request(
        &self,
        key: RequestKey,
        request: &Digest,
        now: Timestamp,
        forget_before: Timestamp,
    ) -> StoreResult<bool> {
        let (caller, id) = columns(key);
        let bytes = request.as_bytes().as_slice();
        let row = (caller_id.eq(caller), request_id.eq(id), digest.eq(bytes), create_time.eq(DbTime(now)));
        let anew = (digest.eq(bytes), sealed.eq(None::<Vec<u8>>), create_time.eq(DbTime(now)));
        let claim = diesel::insert_into(answered_requests::table)
            .values(row)
            .on_conflict((caller_id, request_id))
            .do_update()
            .set(anew);
        let claim = methods::FilterDsl::filter(claim, create_time.lt(DbTime(forget_before)));
        Ok(self.execute(claim).await? == 1)
    }

    async fn put_answer(&self, key: RequestKey, answer: &[u8]) -> StoreResult<()> {
        let request = answered_requests::table.find(columns(key));
        self.execute(diesel::update(request).set(sealed.eq(Some(answer)))).await?;
        Ok(())
    }

    async fn find_answer(&self, key: RequestKey, forget_before: Timestamp) -> StoreResult<Option<AnsweredRequest>> {
        let query = answered_requests::table.find(columns(key)).select((digest, sealed.assume_not_null()));
        let query = query.filter(sealed.is_not_null()).filter(create_time.ge(DbTime(forget_before)));
        let Some((bytes, answer)) = self.find::<_, (Vec<u8>, Vec<u8>)>(query).await? else { return Ok(None) };
        Ok(Some(AnsweredRequest {
            digest: meaning(bytes.try_into().ok().map(Digest::from_bytes), "answered_requests.digest")?,
            sealed: answer,
        }))
    }

    async fn purge_answers(&self, before: Timestamp, limit: i64) -> StoreResult<usize> {
        let keys = old
            .filter(old.field(create_time).lt(DbTime(before)))
            .select((old.field(caller_id), old.field(request_id)))
            .order(old.field(create_time))
            .limit(limit);
        let keys: Vec<(DbId, DbId)> = self.load(keys).await?;
        let mut erased = 0;
        for key in keys {
            erased += self.execute(diesel::delete(answered_requests::table.find(key))).await?;
        }
        Ok(erased)
    }
}

fn columns(key: RequestKey) -> (DbId, DbId) {
    (DbId(key.caller_id), DbId(*key.request_id.as_uuid()))
}
