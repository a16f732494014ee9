use super::ServiceAccounts;
use crate::application::attempt_limiter::AttemptLimiter;
use crate::application::call::Call;
use crate::application::error::{Error, Refusal, Result, Violations};
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::ports::{AccessClaims, Grants};
use crate::domain::Timestamp;
use crate::domain::access::permission::{Pattern, Rights};
use crate::domain::access::role::Role;
use crate::domain::access::subject::Principal;
use crate::domain::audit::AuditType;
use crate::domain::credential::api_key;
use crate::domain::credential::api_key::{ApiKey, KeyRejected};
use crate::domain::credential::api_key_secret;
use crate::domain::credential::api_key_secret::ApiKeySecret;
use crate::domain::id::TokenId;
use crate::domain::secret::Secret;
use crate::domain::text;

/// An API key, and the token that is wanted for it.
#[derive(Debug, Clone)]
pub struct ExchangeApiKey {
    /// The secret of the key.
    pub api_key: Secret,
    /// The service that the token is for, or empty.
    pub audience: String,
    /// What to limit the token to; nothing for what the key is limited to.
    pub scopes: Vec<String>,
}

/// An access token of a service.
#[derive(Debug)]
pub struct ExchangedToken {
    /// The signed access token.
    pub access_token: Secret,
    /// When it expires.
    pub expire_time: Timestamp,
}

/// A command whose parts were read.
struct ValidExchange {
    secret: ApiKeySecret,
    audience: Vec<String>,
    scope: Option<Rights>,
}

impl ServiceAccounts {
    /// Exchanges an API key for an access token. No slow hash, and no writing unless repeats
    /// are to be told, stands in its way.
    pub async fn exchange_api_key(
        &self,
        call: &Call,
        command: &ExchangeApiKey,
        request: &IdempotentCall<ExchangedToken>,
    ) -> Idempotent<ExchangedToken> {
        let valid = self.parse_exchange(command)?;
        let limiter = AttemptLimiter::exchange(&self.throttle_key, &call.origin.client);
        let tx = self.store.read().await?;
        let checked = limiter.check(tx.as_ref(), call.now).await;
        let throttled = call.event(AuditType::RateLimitExceeded).with("request", "api_key_exchange");
        self.trail.note_throttling(self.store.as_ref(), checked, throttled, call.now).await?;
        let found = tx.api_keys().find_api_key_with_account(valid.secret.id()).await?;
        let rejected = match &found {
            Some((key, account)) => key.judge(&valid.secret, account, call.now).err().map(KeyRejected::as_str),
            None => Some("KEY_UNKNOWN"),
        };
        let (key, account) = match (found, rejected) {
            (Some(found), None) => found,
            (found, why) => {
                drop(tx);
                self.count_failure(&limiter, call).await?;
                let key = found.map(|(key, _)| key);
                self.record_refusal(call, key.as_ref(), why.unwrap_or_default(), None).await?;
                return Err(Refusal::CredentialsInvalid.into());
            }
        };
        let roles = tx.roles().roles_of(account.id.into()).await?;
        drop(tx);
        let grants = match grants(&key, valid.scope, &roles) {
            Ok(grants) => grants,
            Err(missing) => {
                self.record_refusal(call, Some(&key), "PERMISSION_MISSING", Some(&missing)).await?;
                return Err(Refusal::PermissionMissing { permission: missing.as_str().to_owned() }.into());
            }
        };
        self.uses.note(&key, call.now);
        let token = self.issue_for(call, &key, grants, valid.audience)?;
        match request.request_id {
            Some(_) => self.idempotency.open(call, request).await?.finish(token).await,
            None => Ok(token),
        }
    }

    fn parse_exchange(&self, command: &ExchangeApiKey) -> Result<ValidExchange> {
        let mut violations = Violations::default();
        let secret = text::required(command.api_key.expose(), api_key_secret::MAX_BYTES);
        let secret = violations.take("api_key", secret);
        let audience = violations.take("audience", text::optional(&command.audience, 255));
        let scope = violations.take("scopes", api_key::parse_scopes(&command.scopes));
        let (secret, (audience, scope)) = violations.check(secret.zip(audience.zip(scope)))?;
        let audience = self.policy.audiences.choose(audience).map_err(|_| Refusal::AudienceUnknown)?;
        Ok(ValidExchange {
            secret: ApiKeySecret::parse(secret).ok_or(Refusal::CredentialsInvalid)?,
            audience: self.policy.audiences.claim(audience.as_deref()),
            scope,
        })
    }

    fn issue_for(&self, call: &Call, key: &ApiKey, grants: Grants, audience: Vec<String>) -> Result<ExchangedToken> {
        let expire_time = (call.now + self.policy.access_token_lifetime).min(key.expire_time);
        let claims = AccessClaims {
            principal: Principal::Service { account_id: key.account_id, key_id: key.id },
            grants,
            token_id: TokenId::new(call.now, &self.entropy.bytes()?),
            audience,
            issue_time: call.now,
            expire_time,
        };
        Ok(ExchangedToken { access_token: self.tokens.sign(&claims).map_err(Error::from)?, expire_time })
    }

    async fn count_failure(&self, limiter: &AttemptLimiter, call: &Call) -> Result<()> {
        let tx = self.store.write().await?;
        limiter.count(tx.as_ref(), call.now).await?;
        Ok(tx.commit().await?)
    }

    /// Records that a key was not exchanged. Whoever knows its id, or makes one up, can make that happen at will, so not
    /// every time.
    async fn record_refusal(
        &self,
        call: &Call,
        key: Option<&ApiKey>,
        reason: &str,
        permission: Option<&Pattern>,
    ) -> Result<()> {
        let event = call.event(AuditType::ApiKeyRefused);
        let event = match key {
            Some(key) => event.on(key.account_id).with("key_id", key.id),
            None => event,
        };
        let event = match permission {
            None => event.failed(reason),
            Some(pattern) => event.denied(reason).with("permission", pattern.as_str()),
        };
        let network = call.origin.client.network().to_string();
        let cause = match key {
            Some(key) => [key.id.as_uuid().as_bytes(), reason.as_bytes()].concat(),
            None => network.into_bytes(),
        };
        self.trail.record_sparingly(self.store.as_ref(), (event, &cause), call.now).await
    }
}

/// What a token for this key grants, by the roles that its account has now; or what of what is wanted is missing.
fn grants(key: &ApiKey, wanted: Option<Rights>, roles: &[Role]) -> std::result::Result<Grants, Pattern> {
    let held = Role::rights(roles);
    let scope = match (wanted, &key.scope) {
        (Some(wanted), limit) => {
            let beyond = limit.as_ref().and_then(|limit| limit.missing(&wanted));
            match beyond.or_else(|| held.missing(&wanted)).cloned() {
                Some(missing) => return Err(missing),
                None => wanted,
            }
        }
        (None, Some(limit)) => {
            let kept = limit.covered_by(&held);
            if let Some(missing) = held.missing(limit).filter(|_| kept.patterns().len() == 0) {
                return Err(missing.clone());
            }
            kept
        }
        (None, None) => return Ok(Grants::Roles(roles.iter().map(|role| role.name.as_str().to_owned()).collect())),
    };
    Ok(Grants::Scope(scope))
}
