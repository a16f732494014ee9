use time::Duration;

use super::UserTransfer;
use crate::application::caller::Caller;
use crate::application::error::{Refusal, Result};
use crate::application::ports::StoredUser;
use crate::domain::access::Access;
use crate::domain::id::UserId;

const PAGE: i64 = 500;
/// How old the sign-in may be that password hashes are handed out to: a session that was stolen is older.
const MAX_AUTH_AGE: Duration = Duration::minutes(5);

/// What to export.
#[derive(Debug, Clone, Default)]
pub struct ExportUsers {
    /// Whether with password hashes.
    pub include_hashes: bool,
}

/// An export that goes on.
#[derive(Debug)]
pub struct Export {
    include_hashes: bool,
    after: Option<UserId>,
    is_over: bool,
}

impl UserTransfer {
    /// Begins an export.
    pub async fn begin_export(&self, caller: &Caller, command: ExportUsers) -> Result<Export> {
        if command.include_hashes && self.clock.now() - caller.auth_time > MAX_AUTH_AGE {
            return Err(Refusal::StepUpRequired { max_age: MAX_AUTH_AGE }.into());
        }
        Ok(Export { include_hashes: command.include_hashes, after: None, is_over: false })
    }

    /// The next people in the order of their ids; none at the end. Each page is what is stored when it is read.
    pub async fn next_page(
        &self,
        (caller, access): (&Caller, &Access),
        export: &mut Export,
    ) -> Result<Option<Vec<StoredUser>>> {
        if export.is_over {
            return Ok(None);
        }
        self.auth.readmit(caller, access).await?;
        let mut page = self.store.read().await?.bulk_users().list_stored(export.after, PAGE).await?;
        export.is_over = page.len() < PAGE as usize;
        export.after = page.last().map(|(user, _)| user.id).or(export.after);
        if !export.include_hashes {
            page.iter_mut().for_each(|(_, hash)| *hash = None);
        }
        Ok(Some(page))
    }
}
