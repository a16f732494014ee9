use time::Duration;

use super::{MAX_ROWS, UserTransfer};
use crate::application::access::source::Source;
use crate::application::call::Call;
use crate::application::error::{Refusal, Result, Violations};
use crate::application::ports::{StoredUser, UserCursor, UserQuery};
use crate::domain::audit::AuditType;
use crate::domain::listing::user_filter::UserFilter;
use crate::domain::listing::user_order::Direction;

/// How old the sign-in may be that password hashes are handed out to: a session that was stolen is older.
const MAX_AUTH_AGE: Duration = Duration::minutes(5);

/// What to export.
#[derive(Clone, Default)]
pub struct ExportUsers {
    /// What the people have in common; empty for all, deleted ones included.
    pub filter: String,
    /// Whether with password hashes.
    pub include_hashes: bool,
}

/// An export that continues.
pub struct Export {
    query: UserQuery,
    include_hashes: bool,
    is_over: bool,
}

impl UserTransfer {
    /// Begins an export, which the audit trail tells of before anybody leaves.
    pub async fn begin_export(&self, call: &Call, command: &ExportUsers) -> Result<Export> {
        let mut violations = Violations::default();
        let filter = violations.take("filter", UserFilter::parse(&command.filter));
        let filter = violations.check(filter)?;
        if command.include_hashes && call.caller()?.auth_time().is_none_or(|time| call.now - time > MAX_AUTH_AGE) {
            return Err(Refusal::StepUpRequired { max_age: MAX_AUTH_AGE }.into());
        }
        let event = call
            .event(AuditType::UsersExported)
            .with("include_hashes", command.include_hashes)
            .with("filtered", !command.filter.is_empty());
        let mut tx = self.store.write().await?;
        self.trail.record(tx.as_mut(), event, call.now).await?;
        tx.commit().await?;
        let query = UserQuery {
            filter,
            cursor: UserCursor::CreateTime(None),
            direction: Direction::Ascending,
            limit: i64::try_from(MAX_ROWS).unwrap_or(i64::MAX),
        };
        Ok(Export { query, include_hashes: command.include_hashes, is_over: false })
    }

    /// The next people in the order of the times of creation; none at the end. Each page is what is stored when it is
    /// read.
    pub async fn next_page(&self, call: &Call, export: &mut Export) -> Result<Option<Vec<StoredUser>>> {
        if export.is_over {
            return Ok(None);
        }
        let mut tx = self.store.read().await?;
        Source::Transaction(tx.as_mut()).require_still(call, self.clock.now()).await?;
        let users = tx.users().list_users(&export.query).await?;
        match users.last() {
            Some(last) if users.len() == MAX_ROWS => {
                export.query.cursor = UserCursor::CreateTime(Some((last.create_time, last.id)));
            }
            _ => export.is_over = true,
        }
        Ok(Some(if export.include_hashes {
            tx.bulk_users().with_hashes(users).await?
        } else {
            users.into_iter().map(|user| (user, None)).collect()
        }))
    }
}
