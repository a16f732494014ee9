use async_trait::async_trait;
use diesel::prelude::*;

use super::backend::Unit;
use super::backend::columns::{DbId, DbTime};
use super::backend::schema::challenges;
use super::proofs::{read_proofs, write_proofs};
use crate::application::ports::{Challenges, StoreResult};
use crate::domain::Timestamp;
use crate::domain::id::{SessionId, UserId};
use crate::domain::secret::Digest;
use crate::domain::session::challenge::{Challenge, ChallengePurpose};
use crate::domain::session::client::ClientLabel;
use crate::infrastructure::store::error::meaning;

diesel::alias!(challenges as expired: Expired);

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = challenges)]
struct ChallengeRow {
    digest: Vec<u8>,
    purpose: String,
    user_id: Option<DbId>,
    session_id: Option<DbId>,
    proofs: String,
    audience: Option<String>,
    client_label: String,
    failures_before: i32,
    webauthn_challenge: Option<Vec<u8>>,
    failures: i32,
    create_time: DbTime,
    expire_time: DbTime,
}

#[async_trait]
impl Challenges for Unit {
    async fn find_challenge(&self, digest: &Digest, now: Timestamp) -> StoreResult<Option<Challenge>> {
        let query = with_digest(digest).filter(challenges::expire_time.gt(DbTime(now)));
        self.find(query.select(ChallengeRow::as_select())).await?.map(ChallengeRow::into_challenge).transpose()
    }

    async fn insert_challenge(&self, challenge: &Challenge) -> StoreResult<()> {
        self.execute(diesel::insert_into(challenges::table).values(ChallengeRow::from(challenge))).await?;
        Ok(())
    }

    async fn put_webauthn_challenge(&self, digest: &Digest, challenge: &[u8; 32]) -> StoreResult<bool> {
        let asked = challenges::webauthn_challenge.eq(challenge.as_slice());
        Ok(self.execute(diesel::update(with_digest(digest)).set(asked)).await? == 1)
    }

    async fn take_webauthn_challenge(&self, digest: &Digest, challenge: &[u8; 32]) -> StoreResult<bool> {
        let asked = with_digest(digest).filter(challenges::webauthn_challenge.eq(challenge.as_slice()));
        let taken = challenges::webauthn_challenge.eq(None::<Vec<u8>>);
        Ok(self.execute(diesel::update(asked).set(taken)).await? == 1)
    }

    async fn count_challenge_failure(&self, digest: &Digest) -> StoreResult<i32> {
        let count = diesel::update(with_digest(digest)).set(challenges::failures.eq(challenges::failures + 1));
        Ok(self.find_returned(count.returning(challenges::failures)).await?.unwrap_or(0))
    }

    async fn delete_challenge(&self, digest: &Digest) -> StoreResult<bool> {
        Ok(self.execute(diesel::delete(with_digest(digest))).await? == 1)
    }

    async fn delete_challenges(&self, user_id: UserId) -> StoreResult<()> {
        let theirs = challenges::table.filter(challenges::user_id.eq(DbId(*user_id.as_uuid())));
        self.execute(diesel::delete(theirs)).await?;
        Ok(())
    }

    async fn purge_challenges(&self, before: Timestamp, limit: i64) -> StoreResult<usize> {
        let digests = expired
            .filter(expired.field(challenges::expire_time).lt(DbTime(before)))
            .select(expired.field(challenges::digest))
            .order(expired.field(challenges::expire_time))
            .limit(limit);
        self.execute(diesel::delete(challenges::table.filter(challenges::digest.eq_any(digests)))).await
    }
}

#[diesel::dsl::auto_type]
fn with_digest<'a>(digest: &'a Digest) -> _ {
    let digest: &'a [u8] = digest.as_bytes();
    challenges::table.find(digest)
}

impl From<&Challenge> for ChallengeRow {
    fn from(challenge: &Challenge) -> Self {
        Self {
            digest: challenge.digest.as_bytes().to_vec(),
            purpose: challenge.purpose.as_str().to_owned(),
            user_id: challenge.user_id.map(|id| DbId(*id.as_uuid())),
            session_id: challenge.session_id.map(|id| DbId(*id.as_uuid())),
            proofs: write_proofs(&challenge.proofs),
            audience: challenge.audience.clone(),
            client_label: challenge.label.as_str().to_owned(),
            failures_before: challenge.failures_before,
            webauthn_challenge: challenge.webauthn_challenge.map(|bytes| bytes.to_vec()),
            failures: challenge.failures,
            create_time: DbTime(challenge.create_time),
            expire_time: DbTime(challenge.expire_time),
        }
    }
}

impl ChallengeRow {
    fn into_challenge(self) -> StoreResult<Challenge> {
        let asked = self.webauthn_challenge.map(|bytes| bytes.try_into().ok());
        Ok(Challenge {
            digest: meaning(self.digest.try_into().ok().map(Digest::from_bytes), "challenges.digest")?,
            purpose: meaning(ChallengePurpose::parse(&self.purpose), "challenges.purpose")?,
            user_id: self.user_id.map(|id| UserId::from_uuid(id.0)),
            session_id: self.session_id.map(|id| SessionId::from_uuid(id.0)),
            proofs: meaning(read_proofs(&self.proofs), "challenges.proofs")?,
            audience: self.audience,
            label: meaning(ClientLabel::parse(&self.client_label).ok(), "challenges.client_label")?,
            failures_before: self.failures_before,
            webauthn_challenge: asked.map(|bytes| meaning(bytes, "challenges.webauthn_challenge")).transpose()?,
            failures: self.failures,
            create_time: self.create_time.0,
            expire_time: self.expire_time.0,
        })
    }
}
