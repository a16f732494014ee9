//! Parts of what jobs that deliver mail carry, in the form in which they are stored.

use std::borrow::Cow;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::payload::InvalidPayload;
use crate::domain::Timestamp;
use crate::domain::credential::factor::FactorKind;
use crate::domain::mail::{FactorsChange, MailContent};
use crate::domain::session::client::Client;

/// From where and when somebody did what a mail tells of.
#[derive(Serialize, Deserialize)]
pub(super) struct OccasionPayload<'a> {
    ip_address: IpAddr,
    user_agent: Cow<'a, str>,
    unix_time: i64,
}

impl<'a> OccasionPayload<'a> {
    pub(super) fn new(client: &'a Client, time: Timestamp) -> Self {
        let unix_time = time.unix_timestamp();
        Self { ip_address: client.ip_address, user_agent: client.user_agent.as_str().into(), unix_time }
    }

    /// The mail that tells of it.
    pub(super) fn told(
        self,
        tell: impl FnOnce(Client, Timestamp) -> MailContent,
    ) -> Result<MailContent, InvalidPayload> {
        Ok(tell(Client::new(self.ip_address, &self.user_agent), read_time(self.unix_time)?))
    }
}

/// What was done to somebody's second factors.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum ChangePayload<'a> {
    Added { factor: Cow<'a, str> },
    Removed { factor: Cow<'a, str> },
    RecoveryCodesMade,
    RecoveryCodeUsed { remaining: u32 },
}

impl ChangePayload<'_> {
    pub(super) fn new(change: FactorsChange) -> Self {
        match change {
            FactorsChange::Added(kind) => Self::Added { factor: kind.as_str().into() },
            FactorsChange::Removed(kind) => Self::Removed { factor: kind.as_str().into() },
            FactorsChange::RecoveryCodesMade => Self::RecoveryCodesMade,
            FactorsChange::RecoveryCodeUsed { remaining } => Self::RecoveryCodeUsed { remaining },
        }
    }

    pub(super) fn into_change(self) -> Result<FactorsChange, InvalidPayload> {
        let kind = |name: &str| FactorKind::parse(name).ok_or(InvalidPayload);
        Ok(match self {
            Self::Added { factor } => FactorsChange::Added(kind(&factor)?),
            Self::Removed { factor } => FactorsChange::Removed(kind(&factor)?),
            Self::RecoveryCodesMade => FactorsChange::RecoveryCodesMade,
            Self::RecoveryCodeUsed { remaining } => FactorsChange::RecoveryCodeUsed { remaining },
        })
    }
}

/// Reads a time in seconds since 1970.
pub(super) fn read_time(unix_time: i64) -> Result<Timestamp, InvalidPayload> {
    Timestamp::from_unix_timestamp(unix_time).map_err(|_| InvalidPayload)
}
