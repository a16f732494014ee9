use std::fmt;

use async_trait::async_trait;
use uuid::Uuid;

use super::{RequestKey, StoreResult};
use crate::domain::id::{FactorId, JobId, RequestId};

/// Where sealed bytes are kept. Its text names table, row and column, and never changes, as the bytes are bound to it. Whatever is sealed has a
/// kind of place here, so that a change of the master key reaches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealedPlace {
    /// The secret of the installation of this name.
    ServerSecret(String),
    /// The private half of the signing key of this name.
    SigningKey(String),
    /// What a job carries.
    Job(JobId),
    /// The answer to a call.
    Answer(RequestKey),
    /// The secret of a TOTP factor.
    Factor(FactorId),
    /// The secret of a TOTP factor that is being enrolled.
    Enrolment(FactorId),
}

impl SealedPlace {
    /// A place before all others, for each table.
    #[must_use]
    pub fn beginnings() -> [Self; 6] {
        let nothing = RequestKey { caller_id: Uuid::nil(), request_id: RequestId::NOBODY };
        [
            Self::ServerSecret(String::new()),
            Self::SigningKey(String::new()),
            Self::Job(JobId::NOBODY),
            Self::Answer(nothing),
            Self::Factor(FactorId::NOBODY),
            Self::Enrolment(FactorId::NOBODY),
        ]
    }

    /// The table.
    #[must_use]
    pub const fn table(&self) -> &'static str {
        match self {
            Self::ServerSecret(_) => "server_secrets",
            Self::SigningKey(_) => "signing_keys",
            Self::Job(_) => "jobs",
            Self::Answer(_) => "answered_requests",
            Self::Factor(_) => "factors",
            Self::Enrolment(_) => "factor_enrolments",
        }
    }
}

impl fmt::Display for SealedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.table();
        match self {
            Self::ServerSecret(name) => write!(f, "{table}/{name}/sealed"),
            Self::Factor(id) | Self::Enrolment(id) => write!(f, "{table}/{id}/sealed_secret"),
            Self::SigningKey(kid) => write!(f, "{table}/{kid}/sealed_private_key"),
            // What the table of jobs was when it held nothing but mail: bytes of that time still have to open.
            Self::Job(id) => write!(f, "mail_outbox/{id}/sealed"),
            Self::Answer(key) => write!(f, "{table}/{}/{}/sealed", key.caller_id, key.request_id),
        }
    }
}

/// Everything that is sealed, whatever it is, to seal it anew under another master key.
#[async_trait]
pub trait SealedRows: Send + Sync {
    /// Up to `limit` sealed values from the table of a place, those that come after it in the order of the table's key.
    async fn list_sealed(&self, after: &SealedPlace, limit: i64) -> StoreResult<Vec<(SealedPlace, Vec<u8>)>>;

    /// Replaces a sealed value, if it is still the one that was read. Whether it was.
    async fn replace_sealed(&self, place: &SealedPlace, old: &[u8], new: &[u8]) -> StoreResult<bool>;
}
