//! API keys as they are kept: whose they are, what they are limited to, and until when they open anything.

use time::Duration;

use super::api_key_secret::{self, ApiKeySecret};
use crate::domain::Timestamp;
use crate::domain::access::permission::{InvalidPatterns, Rights};
use crate::domain::account::profile::DisplayName;
use crate::domain::account::service_account::ServiceAccount;
use crate::domain::id::{ApiKeyId, ServiceAccountId};
use crate::domain::secret::Digest;

/// How many keys of an account may be neither revoked nor expired.
pub const MAX_LIVE_PER_ACCOUNT: u32 = 100;
/// How many patterns may limit a key, or a token that it is exchanged for.
pub const MAX_SCOPES: usize = 16;
/// When a key expires of which nothing else was said.
pub const DEFAULT_LIFETIME: Duration = Duration::days(90);
/// The longest that a key may be good for: with no key older than a leap year, none is forgotten for ever.
pub const MAX_LIFETIME: Duration = Duration::days(366);
/// How exactly the last use of a key is recorded.
pub const USE_PRECISION: Duration = Duration::minutes(1);

/// The time is none at which a new key could expire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be in the future, and at most 366 days ahead")]
pub struct InvalidExpiry;

/// What a service proves with who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Names the key for ever; the claim `sid` of the tokens it was exchanged for.
    pub id: ApiKeyId,
    /// Whose key it is.
    pub account_id: ServiceAccountId,
    /// The operator's name for it.
    pub display_name: DisplayName,
    /// Stands for the secret.
    pub digest: Digest,
    /// What it is limited to; nothing if it is good for all that its account may do.
    pub scope: Option<Rights>,
    /// When it was made.
    pub create_time: Timestamp,
    /// When it expires.
    pub expire_time: Timestamp,
    /// When it was last exchanged, as exactly as `USE_PRECISION`.
    pub last_used_time: Option<Timestamp>,
    /// When it was revoked.
    pub revoke_time: Option<Timestamp>,
}

/// Why a key that exists opens nothing. Whoever presents it is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyRejected {
    /// The secret is not that of the key.
    SecretWrong,
    /// It was revoked.
    Revoked,
    /// Its time is over.
    Expired,
    /// Its account is disabled.
    AccountDisabled,
}

impl KeyRejected {
    /// The reason in the audit trail.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SecretWrong => "SECRET_WRONG",
            Self::Revoked => "REVOKED",
            Self::Expired => "EXPIRED",
            Self::AccountDisabled => "ACCOUNT_DISABLED",
        }
    }
}

impl ApiKey {
    /// Whether the key of this account opens anything at `now`.
    pub fn open(&self, account: &ServiceAccount, now: Timestamp) -> Result<(), KeyRejected> {
        if self.revoke_time.is_some() {
            Err(KeyRejected::Revoked)
        } else if now >= self.expire_time {
            Err(KeyRejected::Expired)
        } else if account.disabled {
            Err(KeyRejected::AccountDisabled)
        } else {
            Ok(())
        }
    }

    /// Whether this secret of the key of this account opens anything at `now`.
    pub fn judge(&self, secret: &ApiKeySecret, account: &ServiceAccount, now: Timestamp) -> Result<(), KeyRejected> {
        // Digests are compared in constant time.
        if secret.digest() == self.digest { self.open(account, now) } else { Err(KeyRejected::SecretWrong) }
    }

    /// How the secret begins.
    #[must_use]
    pub fn prefix(&self) -> String {
        api_key_secret::prefix(self.id)
    }

    /// Whether a use at `now` is worth being written down.
    #[must_use]
    pub fn is_use_news(&self, now: Timestamp) -> bool {
        self.last_used_time.is_none_or(|last| now - last >= USE_PRECISION)
    }
}

/// Reads what a key or a token is to be limited to; nothing if it is not to be.
pub fn parse_scopes<T: AsRef<str>>(texts: &[T]) -> Result<Option<Rights>, InvalidPatterns> {
    let scope = Rights::parse(texts, MAX_SCOPES)?;
    Ok((!texts.is_empty()).then_some(scope))
}

/// Decides when a key expires that is made at `now`.
pub fn expiry(wanted: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, InvalidExpiry> {
    let expire_time = wanted.unwrap_or(now + DEFAULT_LIFETIME);
    if expire_time > now && expire_time <= now + MAX_LIFETIME { Ok(expire_time) } else { Err(InvalidExpiry) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::name::{Description, Name};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::seconds(seconds)
    }

    fn account() -> ServiceAccount {
        let id = ServiceAccountId::new(at(0), &[1; 10]);
        ServiceAccount::new(id, Name::parse("orders").unwrap(), Description::default(), at(0))
    }

    fn key() -> (ApiKey, ApiKeySecret) {
        let secret = ApiKeySecret::new(ApiKeyId::new(at(0), &[2; 10]), [3; 32]);
        let key = ApiKey {
            id: secret.id(),
            account_id: account().id,
            display_name: DisplayName::default(),
            digest: secret.digest(),
            scope: None,
            create_time: at(0),
            expire_time: at(100),
            last_used_time: None,
            revoke_time: None,
        };
        (key, secret)
    }

    #[test]
    fn a_key_opens_until_it_is_over_and_with_its_own_secret_alone() {
        let (key, secret) = key();
        let judge = |key: &ApiKey, account: &ServiceAccount, second| key.judge(&secret, account, at(second));
        assert_eq!(judge(&key, &account(), 99), Ok(()));
        assert_eq!(judge(&key, &account(), 100), Err(KeyRejected::Expired));
        let revoked = ApiKey { revoke_time: Some(at(1)), ..key.clone() };
        assert_eq!(judge(&revoked, &account(), 2), Err(KeyRejected::Revoked));
        let disabled = ServiceAccount { disabled: true, ..account() };
        assert_eq!(judge(&key, &disabled, 2), Err(KeyRejected::AccountDisabled));
        let other = ApiKeySecret::new(secret.id(), [4; 32]);
        assert_eq!(revoked.judge(&other, &disabled, at(100)), Err(KeyRejected::SecretWrong));
    }

    #[test]
    fn a_key_expires_within_a_year() {
        assert_eq!(expiry(None, at(0)), Ok(at(0) + Duration::days(90)));
        assert_eq!(expiry(Some(at(1)), at(0)), Ok(at(1)));
        assert_eq!(expiry(Some(at(0)), at(0)), Err(InvalidExpiry));
        assert_eq!(expiry(Some(at(0) + Duration::days(366)), at(0)), Ok(at(0) + Duration::days(366)));
        assert_eq!(expiry(Some(at(1) + Duration::days(366)), at(0)), Err(InvalidExpiry));
    }

    #[test]
    fn a_use_is_news_once_a_minute() {
        let (key, _) = key();
        assert!(key.is_use_news(at(0)));
        let used = ApiKey { last_used_time: Some(at(0)), ..key };
        assert_eq!((used.is_use_news(at(59)), used.is_use_news(at(60))), (false, true));
    }

    #[test]
    fn no_scope_is_no_limit() {
        assert_eq!(parse_scopes::<&str>(&[]), Ok(None));
        assert_eq!(parse_scopes(&["a.b", "a.b"]).unwrap().unwrap().patterns().len(), 1);
        assert!(parse_scopes(&["a.b"; 17]).is_err() && parse_scopes(&[""]).is_err());
    }
}
