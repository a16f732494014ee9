//! The claims of an access token on the wire (RFC 9068, section 2.2).

use serde::{Deserialize, Serialize};

use super::compact;
use crate::application::ports::{AccessClaims, Grants, TokenRejected};
use crate::domain::Timestamp;
use crate::domain::access::permission::Rights;
use crate::domain::access::subject::Principal;
use crate::domain::id::{ApiKeyId, ServiceAccountId, SessionId, TokenId, UserId};
use crate::domain::session::authentication::{AssuranceLevel, AuthenticationContext};
use crate::domain::token::signing_key::{LONGEST_TOKEN_LIFE, MAX_SKEW};

/// The one client of people: they sign in at this server itself.
const PEOPLES_CLIENT: &str = "ipse";
/// Of role names longer than this, in bytes of JSON, none is told: a token has to stay short.
const MAX_ROLES_BYTES: usize = 1536;

/// Exactly these members, some of which only people's or only limited tokens have. Times are whole seconds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
    iat: i64,
    jti: String,
    sid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amr: Option<Vec<String>>,
    client_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

/// One audience may stand without an array around it (RFC 7519, section 4.1.3).
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Audience {
    Several(Vec<String>),
    One(String),
}

impl Claims {
    /// The wire form of these claims.
    pub(super) fn new(issuer: &str, claims: &AccessClaims) -> Self {
        let (client_id, authentication) = match &claims.principal {
            Principal::Person { authentication, .. } => (PEOPLES_CLIENT.to_owned(), Some(authentication.clone())),
            Principal::Service { account_id, .. } => (account_id.to_string(), None),
        };
        let (roles, scope) = match &claims.grants {
            Grants::Roles(names) => (Some(names.clone()).filter(|names| is_short(names)), None),
            Grants::Scope(scope) => (None, Some(scope.to_scope())),
        };
        Self {
            iss: issuer.to_owned(),
            sub: claims.principal.subject().to_string(),
            aud: Audience::Several(claims.audience.clone()),
            exp: claims.expire_time.unix_timestamp(),
            iat: claims.issue_time.unix_timestamp(),
            jti: claims.token_id.to_string(),
            sid: claims.principal.sid().hyphenated().to_string(),
            auth_time: authentication.as_ref().map(|authentication| authentication.time.unix_timestamp()),
            acr: authentication.as_ref().map(|authentication| authentication.level.as_str().to_owned()),
            amr: authentication.map(|authentication| authentication.methods),
            client_id,
            roles,
            scope,
        }
    }

    /// Reads a payload.
    pub(super) fn parse(payload: &[u8]) -> Result<Self, TokenRejected> {
        compact::object(payload).ok_or(TokenRejected::Invalid)
    }

    /// What the claims say, if they are of this issuer. Nothing that may change is looked at.
    pub(super) fn accept(self, issuer: &str) -> Result<AccessClaims, TokenRejected> {
        if self.iss == issuer { self.read().ok_or(TokenRejected::Invalid) } else { Err(TokenRejected::Invalid) }
    }

    fn read(self) -> Option<AccessClaims> {
        let principal = self.principal()?;
        let audience = match self.aud {
            Audience::Several(audiences) => audiences,
            Audience::One(audience) => vec![audience],
        };
        let grants = match (self.roles, self.scope) {
            (roles, None) => Grants::Roles(roles.unwrap_or_default()),
            (None, Some(scope)) => Grants::Scope(Rights::parse_scope(&scope).ok()?),
            (Some(_), Some(_)) => return None,
        };
        Some(AccessClaims {
            principal,
            grants,
            token_id: TokenId::parse(&self.jti).ok()?,
            audience,
            issue_time: time(self.iat)?,
            expire_time: time(self.exp)?,
        })
    }

    /// People are told by how they signed in; services by being their own client, which is how RFC 9068 tells them.
    fn principal(&self) -> Option<Principal> {
        match (self.auth_time, &self.acr, &self.amr) {
            (Some(auth_time), Some(level), Some(methods)) if self.client_id == PEOPLES_CLIENT => {
                let level = AssuranceLevel::parse(level)?;
                let authentication = AuthenticationContext { time: time(auth_time)?, methods: methods.clone(), level };
                let (user_id, session_id) = (UserId::parse(&self.sub).ok()?, SessionId::parse(&self.sid).ok()?);
                Some(Principal::Person { user_id, session_id, authentication })
            }
            (None, None, None) if self.client_id == self.sub => Some(Principal::Service {
                account_id: ServiceAccountId::parse(&self.sub).ok()?,
                key_id: ApiKeyId::parse(&self.sid).ok()?,
            }),
            _ => None,
        }
    }
}

/// What may change about a token that was accepted once: whom it is asked for, and the time. It is called expired only when
/// nothing else is wrong. There is no leeway for expiry: this server's replicas issued the token and check it.
pub(super) fn check(claims: &AccessClaims, audience: Option<&str>, now: Timestamp) -> Result<(), TokenRejected> {
    let lifetime = claims.expire_time - claims.issue_time;
    if audience.is_some_and(|wanted| !claims.audience.iter().any(|audience| audience == wanted))
        || !lifetime.is_positive()
        || lifetime > LONGEST_TOKEN_LIFE
        || claims.issue_time - now > MAX_SKEW
    {
        return Err(TokenRejected::Invalid);
    }
    if now >= claims.expire_time { Err(TokenRejected::Expired) } else { Ok(()) }
}

fn time(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_unix_timestamp(seconds).ok()
}

fn is_short(names: &[String]) -> bool {
    names.iter().map(|name| name.len() + 3).sum::<usize>() <= MAX_ROLES_BYTES
}
