//! Pages of a person's live sessions, newest first.

use crate::application::error::Result;
use crate::application::page::{Page, PageRequest, PageTokens, read_position, write_position};
use crate::application::ports::{SessionPosition, Transaction};
use crate::domain::Timestamp;
use crate::domain::id::{SessionId, UserId};
use crate::domain::session::Session;

/// Lists a person's live sessions. A token of one person's list opens no other list.
pub(in crate::application) async fn page(
    tx: &dyn Transaction,
    tokens: &PageTokens,
    (user_id, now): (UserId, Timestamp),
    page: &PageRequest,
) -> Result<Page<Session>> {
    let page = tokens.open(format!("sessions/{user_id}"), page, |bytes| {
        let (create_time, id) = read_position(bytes)?;
        Some(SessionPosition { create_time, id: SessionId::from_uuid(id) })
    })?;
    let sessions = tx.sessions().list_sessions(user_id, now, (page.after, page.limit())).await?;
    Ok(page.finish(sessions, |last| write_position(last.create_time, last.id.as_uuid())))
}
