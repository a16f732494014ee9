//! Pages of a person's live sessions, newest first.

use super::error::{Refusal, Result};
use super::page::{PageRequest, PageTokens, read_position, write_position};
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
        Some(bytes) => {
            let (create_time, id) = read_position(&bytes).ok_or(Refusal::PageTokenInvalid)?;
            Some(SessionPosition { create_time, id: SessionId::from_uuid(id) })
        }
        None => None,
    };
    let sessions = tx.sessions().list_sessions(user_id, now, (after, size + 1)).await?;
    let position = |last: &Session| write_position(last.create_time, last.id.as_uuid());
    let (sessions, next_page_token) = tokens.cut(sessions, size, &list, position);
    Ok(SessionPage { sessions, next_page_token })
}
