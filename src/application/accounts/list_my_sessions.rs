use time::OffsetDateTime;
use uuid::Uuid;

use super::Accounts;
use crate::application::caller::Caller;
use crate::application::error::{Refusal, Result};
use crate::application::page::PageRequest;
use crate::application::ports::SessionPosition;
use crate::domain::id::SessionId;
use crate::domain::session::Session;

/// A page of sessions, newest first.
#[derive(Debug)]
pub struct SessionPage {
    /// The sessions.
    pub sessions: Vec<Session>,
    /// The token of the next page, or empty.
    pub next_page_token: String,
}

impl Accounts {
    /// Lists the caller's live sessions.
    pub async fn list_my_sessions(&self, caller: &Caller, page: &PageRequest) -> Result<SessionPage> {
        let now = self.clock.now();
        let list = format!("sessions/{}", caller.user_id);
        let size = page.size()?;
        let after = match self.page_tokens.decode(&list, &page.token)? {
            Some(bytes) => Some(read_position(&bytes).ok_or(Refusal::PageTokenInvalid)?),
            None => None,
        };
        let mut tx = self.store.read().await?;
        let sessions = tx.sessions().list_sessions(caller.user_id, now, (after, size + 1)).await?;
        let (sessions, next_page_token) = self.page_tokens.cut(sessions, size, &list, write_position);
        Ok(SessionPage { sessions, next_page_token })
    }
}

fn write_position(session: &Session) -> Vec<u8> {
    [session.create_time.unix_timestamp_nanos().to_be_bytes(), *session.id.as_uuid().as_bytes()].concat()
}

fn read_position(bytes: &[u8]) -> Option<SessionPosition> {
    let (time, id) = bytes.split_first_chunk::<16>()?;
    Some(SessionPosition {
        create_time: OffsetDateTime::from_unix_timestamp_nanos(i128::from_be_bytes(*time)).ok()?,
        id: SessionId::from_uuid(Uuid::from_bytes(id.try_into().ok()?)),
    })
}
