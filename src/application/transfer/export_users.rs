use time::Duration;

use super::{MAX_ROWS, UserTransfer};
use crate::application::access::source::Source;
use crate::application::call::Call;
use crate::application::error::{Refusal, Result, Violations};
use crate::application::ports::{Transaction, UserCursor, UserQuery};
use crate::domain::account::user::User;
use crate::domain::audit::AuditType;
use crate::domain::credential::factor_record::{FactorRecord, RecordedMethod};
use crate::domain::credential::password::PasswordHash;
use crate::domain::id::UserId;
use crate::domain::listing::user_filter::UserFilter;
use crate::domain::listing::user_order::Direction;
use crate::domain::secret::Secret;
use crate::domain::session::authentication::AssuranceLevel;

/// How old the sign-in may be that password hashes and second factors are handed out to: a session that was stolen is older.
const MAX_AUTH_AGE: Duration = Duration::minutes(5);

/// What to export.
#[derive(Clone, Default)]
pub struct ExportUsers {
    /// What the people have in common; empty for all, deleted ones included.
    pub filter: String,
    /// Whether with password hashes and second factors.
    pub include_hashes: bool,
}

/// A person on the way out.
#[derive(Debug)]
pub struct ExportedUser {
    /// The account.
    pub user: User,
    /// The hash of the password.
    pub password_hash: Option<PasswordHash>,
    /// The second factors.
    pub factors: Vec<ExportedFactor>,
}

/// A second factor on the way out.
#[derive(Debug)]
pub struct ExportedFactor {
    /// The factor.
    pub record: FactorRecord,
    /// Its secret, if it is that of an authenticator app.
    pub otpauth_uri: Option<Secret>,
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
            return Err(Refusal::StepUpRequired { max_age: Some(MAX_AUTH_AGE), level: AssuranceLevel::Aal1 }.into());
        }
        let event = call
            .event(AuditType::UsersExported)
            .with("include_hashes", command.include_hashes)
            .with("filtered", !command.filter.is_empty());
        let tx = self.store.write().await?;
        self.trail.record(tx.as_ref(), event, call.now).await?;
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
    pub async fn next_page(&self, call: &Call, export: &mut Export) -> Result<Option<Vec<ExportedUser>>> {
        if export.is_over {
            return Ok(None);
        }
        let tx = self.store.read().await?;
        Source::Transaction(tx.as_ref()).require_still(call, self.clock.now()).await?;
        let users = tx.users().list_users(&export.query).await?;
        match users.last() {
            Some(last) if users.len() == MAX_ROWS => {
                export.query.cursor = UserCursor::CreateTime(Some((last.create_time, last.id)));
            }
            _ => export.is_over = true,
        }
        if export.include_hashes {
            return Ok(Some(self.with_secrets(tx.as_ref(), users).await?));
        }
        let alone = |user| ExportedUser { user, password_hash: None, factors: Vec::new() };
        Ok(Some(users.into_iter().map(alone).collect()))
    }

    /// The same people with what they sign in by. Factors of sign-ups that nobody has proven stay: nobody can tell whose
    /// they are.
    async fn with_secrets(&self, tx: &dyn Transaction, users: Vec<User>) -> Result<Vec<ExportedUser>> {
        let has_factors = |user: &&User| user.mfa_enabled && !user.is_provisional();
        let ids: Vec<UserId> = users.iter().filter(has_factors).map(|user| user.id).collect();
        let mut factors = self.factors_of(tx, &ids).await?;
        let users = tx.bulk_users().with_hashes(users).await?.into_iter();
        let exported = users.map(|(user, password_hash)| {
            let factors = factors.remove(&user.id).unwrap_or_default().into_iter();
            let factors = factors.map(|record| self.exported(record, &user)).collect::<Result<_>>()?;
            Ok(ExportedUser { user, password_hash, factors })
        });
        exported.collect()
    }

    fn exported(&self, record: FactorRecord, user: &User) -> Result<ExportedFactor> {
        let otpauth_uri = match &record.method {
            RecordedMethod::Totp(seed) => Some(self.codes.uri(seed.expose(), user.email.written())?),
            RecordedMethod::Passkey(_) | RecordedMethod::RecoveryCodes(_) => None,
        };
        Ok(ExportedFactor { record, otpauth_uri })
    }
}
