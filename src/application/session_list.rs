//! Pages of a person's live sessions, newest first.

use time::OffsetDateTime;
use uuid::Uuid;

use super::error::{Refusal, Result};
use super::page::{PageRequest, PageTokens};
use super::ports::{SessionPosition, Transaction};
use crate::domain::Timestamp;
use crate::domain::id::{SessionId, UserId};
use crate::domain::session::Session;

/// A page of sessions, newest first.
#[derive(Debug)]
pub struct SessionPage {
    /// The sessions.
    pub sessions: Vec<Session>,
    /// The token of the next page, or empty.
    pub next_page_token: String,
}

/// Lists a person's live sessions. A token of one person's list opens no other list.
pub(super) async fn page(
    tx: &mut dyn Transaction,
    tokens: &PageTokens,
    user_id: UserId,
    (page, now): (&PageRequest, Timestamp),
) -> Result<SessionPage> {
    let list = format!("sessions/{user_id}");
    let size = page.size()?;
    let after = match tokens.decode(&list, &page.token)? {
        Some(bytes) => Some(read_position(&bytes).ok_or(Refusal::PageTokenInvalid)?),
        None => None,
    };
    let sessions = tx.sessions().list_sessions(user_id, now, (after, size + 1)).await?;
    let (sessions, next_page_token) = tokens.cut(sessions, size, &list, write_position);
    Ok(SessionPage { sessions, next_page_token })
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
