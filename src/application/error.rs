//! The errors of use cases: the third of four stages (domain, store, application, gRPC status).

use time::Duration;

use super::ports::{Cause, HashError, SealError, StoreError};
use crate::domain::account::user::{StateForbids, UserState};
use crate::domain::credential::password::PasswordRejected;
use crate::domain::credential::throttle::ThrottleKey;
use crate::domain::session::authentication::AssuranceLevel;

/// What a use case yields.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields of the command are not acceptable, whatever the state.
    #[error("fields are not acceptable: {0:?}")]
    Invalid(Vec<Violation>),
    /// The state or the caller's rights do not allow it.
    #[error("refused: {0:?}")]
    Refused(Refusal),
    /// Others were in the way; nothing was changed and the same call may succeed.
    #[error("the store is busy")]
    Contention(#[source] Cause),
    /// The store cannot be reached; nothing was changed.
    #[error("the store is unavailable")]
    Unavailable(#[source] Cause),
    /// The store was lost while the change was being committed: it may have been made.
    #[error("it is uncertain whether the change was made")]
    OutcomeUnknown(#[source] Cause),
    /// A fault. The source is for the log alone.
    #[error("internal fault")]
    Internal(#[source] Cause),
}

/// A field that is not acceptable. The description never holds the field's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The field, by its name in the use case. Adapters map it to the path that their caller wrote.
    pub field: &'static str,
    /// What is wrong with it, as a predicate of the field.
    pub description: String,
    /// The rule, where it has a reason of its own.
    pub rule: Rule,
}

/// Rules whose violation has a reason of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The form of a field.
    Form,
    /// A password shorter than `minimum` code points.
    PasswordTooShort {
        /// The policy's minimum.
        minimum: usize,
    },
    /// A password longer than is taken.
    PasswordTooLong,
    /// A common or contextual password.
    PasswordBlocklisted,
}

/// Refusals that depend on state. Each has one `ErrorReason`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("refused: {self:?}")]
pub enum Refusal {
    /// No account and password go together like this.
    CredentialsInvalid,
    /// No access token, or more than one.
    TokenMissing,
    /// A genuine access token whose time is over.
    TokenExpired,
    /// Any other unacceptable access token.
    TokenInvalid,
    /// Any unacceptable refresh token.
    RefreshTokenInvalid,
    /// The sign-in is too old for the operation, or of too low a level.
    StepUpRequired {
        /// The greatest age allowed, if there is one.
        max_age: Option<Duration>,
        /// The least level allowed.
        level: AssuranceLevel,
    },
    /// The caller must have a second factor, and has none.
    MfaRequired,
    /// A wrong code, a used one, or a wrong answer of a passkey.
    MfaCodeInvalid,
    /// A challenge that is not, or no longer, to be answered, or not by this caller.
    MfaChallengeInvalid,
    /// The person must keep a second factor.
    LastFactor,
    /// Somebody has registered the passkey.
    CredentialExists,
    /// Right password, unproven address.
    EmailNotVerified,
    /// Right password, suspended account.
    AccountDisabled,
    /// Right password that must be replaced.
    PasswordChangeRequired,
    /// The caller lacks a permission.
    PermissionMissing {
        /// Which one.
        permission: String,
    },
    /// Too many attempts.
    RateLimited {
        /// When to try again.
        retry_after: Duration,
        /// The counter that tells so.
        counter: ThrottleKey,
    },
    /// More work than can be done in time.
    Overloaded,
    /// A reader of a stream that falls behind.
    WatchTooSlow,
    /// An audience this server does not serve.
    AudienceUnknown,
    /// A page token this server did not issue for this list.
    PageTokenInvalid,
    /// A mailed token that is not, or no longer, valid.
    ActionTokenInvalid,
    /// Somebody else has the username.
    UsernameTaken,
    /// Somebody else has the address.
    EmailTaken,
    /// The object was changed since it was read.
    EtagMismatch,
    /// The id of the request stood for another one.
    RequestIdReused,
    /// Another object of the kind has the name.
    NameTaken,
    /// Somebody has the role.
    RoleInUse,
    /// The role comes with the server.
    RoleBuiltIn,
    /// There may be no more of these.
    QuotaExceeded {
        /// Of what.
        what: &'static str,
        /// The greatest number.
        limit: u32,
    },
    /// The account is in a state that does not allow the change.
    StateForbids {
        /// Which state.
        state: UserState,
    },
    /// The caller is a service, and the RPC is about a person's own account.
    PersonRequired,
    /// The person is the last active administrator.
    LastAdministrator,
    /// No such object, as far as the caller may know.
    NotFound {
        /// The kind of object, as its message is called.
        resource: &'static str,
        /// The name that was asked for.
        name: String,
    },
}

impl Refusal {
    /// The field that it is about, by its name in the use case, and what is wrong with it.
    #[must_use]
    pub const fn field(&self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::UsernameTaken => ("username", "is taken"),
            Self::EmailTaken => ("email", "is taken"),
            Self::NameTaken => ("name", "is taken"),
            Self::AudienceUnknown => ("audience", "must be one of the server's audiences"),
            Self::PageTokenInvalid => ("page_token", "must come from the page before, with the same arguments"),
            Self::RequestIdReused => {
                ("request_id", "must be a new one for each request, and the same one for its repeats")
            }
            _ => return None,
        })
    }
}

impl Violation {
    /// A violation of a field's form.
    pub fn form(field: &'static str, description: impl Into<String>) -> Self {
        Self { field, description: description.into(), rule: Rule::Form }
    }

    /// A password that the policy rejects.
    #[must_use]
    pub fn password(field: &'static str, rejected: PasswordRejected) -> Self {
        let rule = match rejected {
            PasswordRejected::TooShort { minimum } => Rule::PasswordTooShort { minimum },
            PasswordRejected::TooLong => Rule::PasswordTooLong,
            PasswordRejected::Blocklisted => Rule::PasswordBlocklisted,
            PasswordRejected::Text(_) => Rule::Form,
        };
        Self { field, description: rejected.to_string(), rule }
    }
}

/// Collects the violations of a command, so that the caller learns of all of them at once.
#[derive(Debug, Default)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// Keeps the value, or notes what is wrong with the field.
    pub fn take<T, E: ToString>(&mut self, field: &'static str, parsed: std::result::Result<T, E>) -> Option<T> {
        parsed.map_err(|why| self.0.push(Violation::form(field, why.to_string()))).ok()
    }

    /// As `take`, for a field that may be left empty.
    pub fn take_optional<T, E: ToString>(
        &mut self,
        field: &'static str,
        text: &str,
        parse: impl FnOnce(&str) -> std::result::Result<T, E>,
    ) -> Option<T> {
        if text.is_empty() { None } else { self.take(field, parse(text)) }
    }

    /// As `take`, for a new password.
    pub fn take_password<T>(
        &mut self,
        field: &'static str,
        accepted: std::result::Result<T, PasswordRejected>,
    ) -> Option<T> {
        accepted.map_err(|why| self.0.push(Violation::password(field, why))).ok()
    }

    /// The parsed values, or the first violation: one of many objects is told about in one line.
    pub fn first<T>(self, parsed: Option<T>) -> std::result::Result<T, Violation> {
        match (self.0.into_iter().next(), parsed) {
            (None, Some(value)) => Ok(value),
            (Some(violation), _) => Err(violation),
            (None, None) => Err(Violation::form("", "is incomplete")),
        }
    }

    /// The parsed values, or the refusal that names every violation.
    pub fn check<T>(self, parsed: Option<T>) -> Result<T> {
        match parsed {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(Error::Invalid(self.0)),
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StateForbids> for Error {
    fn from(StateForbids(state): StateForbids) -> Self {
        Refusal::StateForbids { state }.into()
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Contention(source) => Self::Contention(source),
            StoreError::Unavailable(source) => Self::Unavailable(source),
            StoreError::OutcomeUnknown(source) => Self::OutcomeUnknown(source),
            StoreError::Aborted | StoreError::Conflict(_) | StoreError::Corrupt(_) => Self::Internal(Box::new(error)),
        }
    }
}

impl From<HashError> for Error {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Overloaded => Self::Refused(Refusal::Overloaded),
            HashError::Failed(source) => Self::Internal(source),
        }
    }
}

impl From<SealError> for Error {
    fn from(error: SealError) -> Self {
        Self::Internal(Box::new(error))
    }
}

impl From<Cause> for Error {
    fn from(source: Cause) -> Self {
        Self::Internal(source)
    }
}
