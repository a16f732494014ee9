use async_trait::async_trait;
use diesel::prelude::*;

use super::backend::Unit;
use super::backend::columns::{DbId, DbTime};
use super::backend::schema::action_tokens;
use crate::application::ports::{ActionTokens, ConsumedToken, PendingToken, StoreResult};
use crate::domain::Timestamp;
use crate::domain::account::email::EmailAddress;
use crate::domain::id::UserId;
use crate::domain::secret::Digest;
use crate::domain::token::action_token::{ActionPurpose, ActionToken};
use crate::infrastructure::store::error::meaning;

diesel::alias!(action_tokens as expired: Expired);

#[async_trait]
impl ActionTokens for Unit {
    async fn put_action_token(&self, token: &ActionToken) -> StoreResult<()> {
        let key = (
            action_tokens::user_id.eq(DbId(*token.user_id.as_uuid())),
            action_tokens::purpose.eq(token.purpose.as_str()),
        );
        let values = (
            action_tokens::new_email.eq(token.new_email.as_ref().map(EmailAddress::written)),
            action_tokens::digest.eq(token.digest.as_bytes().as_slice()),
            action_tokens::create_time.eq(DbTime(token.create_time)),
            action_tokens::expire_time.eq(DbTime(token.expire_time)),
        );
        let insert = diesel::insert_into(action_tokens::table).values((key, values));
        let conflict = (action_tokens::user_id, action_tokens::purpose);
        self.execute(insert.on_conflict(conflict).do_update().set(values)).await?;
        Ok(())
    }

    async fn find_action_token(
        &self,
        digest: &Digest,
        purpose: ActionPurpose,
        now: Timestamp,
    ) -> StoreResult<Option<UserId>> {
        let found = self.find(valid(digest, purpose, DbTime(now)).select(action_tokens::user_id)).await?;
        Ok(found.map(|id: DbId| UserId::from_uuid(id.0)))
    }

    async fn consume_action_token(
        &self,
        digest: &Digest,
        purpose: ActionPurpose,
        now: Timestamp,
    ) -> StoreResult<Option<ConsumedToken>> {
        let delete = diesel::delete(valid(digest, purpose, DbTime(now)));
        let taken: Option<(DbId, Option<String>)> =
            self.find_returned(delete.returning((action_tokens::user_id, action_tokens::new_email))).await?;
        taken
            .map(|(id, email)| Ok(ConsumedToken { user_id: UserId::from_uuid(id.0), new_email: read_address(email)? }))
            .transpose()
    }

    async fn pending_action_tokens(&self, user_id: UserId) -> StoreResult<Vec<PendingToken>> {
        use action_tokens::{create_time, expire_time, new_email, purpose};
        let query = action_tokens::table
            .filter(action_tokens::user_id.eq(DbId(*user_id.as_uuid())))
            .order((create_time, purpose))
            .select((purpose, new_email, create_time, expire_time));
        let rows: Vec<(String, Option<String>, DbTime, DbTime)> = self.load(query).await?;
        let read = |(text, address, created, expires): (String, _, DbTime, DbTime)| {
            Ok(PendingToken {
                purpose: meaning(ActionPurpose::parse(&text), "action_tokens.purpose")?,
                new_email: read_address(address)?,
                create_time: created.0,
                expire_time: expires.0,
            })
        };
        rows.into_iter().map(read).collect()
    }

    async fn drop_action_token(&self, user_id: UserId, purpose: ActionPurpose) -> StoreResult<()> {
        let stored = action_tokens::table.find((DbId(*user_id.as_uuid()), purpose.as_str()));
        self.execute(diesel::delete(stored)).await?;
        Ok(())
    }

    async fn drop_action_tokens(&self, user_id: UserId) -> StoreResult<()> {
        let stored = action_tokens::table.filter(action_tokens::user_id.eq(DbId(*user_id.as_uuid())));
        self.execute(diesel::delete(stored)).await?;
        Ok(())
    }

    async fn purge_action_tokens(&self, before: Timestamp, limit: i64) -> StoreResult<usize> {
        let digests = expired
            .filter(expired.field(action_tokens::expire_time).lt(DbTime(before)))
            .select(expired.field(action_tokens::digest))
            .order(expired.field(action_tokens::expire_time))
            .limit(limit);
        self.execute(diesel::delete(action_tokens::table.filter(action_tokens::digest.eq_any(digests)))).await
    }
}

fn read_address(text: Option<String>) -> StoreResult<Option<EmailAddress>> {
    text.map(|text| meaning(EmailAddress::parse(&text).ok(), "action_tokens.new_email")).transpose()
}

#[diesel::dsl::auto_type]
fn valid<'a>(digest: &'a Digest, purpose: ActionPurpose, now: DbTime) -> _ {
    let digest: &'a [u8] = digest.as_bytes();
    let purpose: &'static str = purpose.as_str();
    action_tokens::table
        .filter(action_tokens::digest.eq(digest))
        .filter(action_tokens::purpose.eq(purpose))
        .filter(action_tokens::expire_time.gt(now))
}
