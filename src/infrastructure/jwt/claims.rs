//! The claims of an access token on the wire (RFC 9068, section 2.2).

use serde::{Deserialize, Serialize};

use super::compact;
use crate::application::ports::{AccessClaims, TokenRejected};
use crate::domain::Timestamp;
use crate::domain::id::{SessionId, TokenId, UserId};
use crate::domain::signing_key::{LONGEST_TOKEN_LIFE, MAX_SKEW};

/// The one client there is: people sign in at this server itself.
const CLIENT_ID: &str = "ipse";

/// Exactly these members. Times are whole seconds.
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
    auth_time: i64,
    acr: String,
    amr: Vec<String>,
    client_id: String,
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
        Self {
            iss: issuer.to_owned(),
            sub: claims.subject.to_string(),
            aud: Audience::Several(claims.audience.clone()),
            exp: claims.expire_time.unix_timestamp(),
            iat: claims.issue_time.unix_timestamp(),
            jti: claims.token_id.to_string(),
            sid: claims.session_id.to_string(),
            auth_time: claims.auth_time.unix_timestamp(),
            acr: claims.acr.clone(),
            amr: claims.amr.clone(),
            client_id: CLIENT_ID.to_owned(),
        }
    }

    /// Reads a payload.
    pub(super) fn parse(payload: &[u8]) -> Result<Self, TokenRejected> {
        compact::object(payload).ok_or(TokenRejected::Invalid)
    }

    /// What the claims say, if they are meant for `own_audience` at `now`. They are called expired only when nothing
    /// else is wrong. There is no leeway for expiry: this server's replicas issued the token and check it.
    pub(super) fn accept(
        self,
        issuer: &str,
        own_audience: &str,
        now: Timestamp,
    ) -> Result<AccessClaims, TokenRejected> {
        if self.iss != issuer || self.client_id != CLIENT_ID {
            return Err(TokenRejected::Invalid);
        }
        let claims = self.read().ok_or(TokenRejected::Invalid)?;
        let lifetime = claims.expire_time - claims.issue_time;
        if !claims.audience.iter().any(|audience| audience == own_audience)
            || !lifetime.is_positive()
            || lifetime > LONGEST_TOKEN_LIFE
            || claims.issue_time - now > MAX_SKEW
        {
            return Err(TokenRejected::Invalid);
        }
        if now >= claims.expire_time { Err(TokenRejected::Expired) } else { Ok(claims) }
    }

    fn read(self) -> Option<AccessClaims> {
        let time = |seconds| Timestamp::from_unix_timestamp(seconds).ok();
        let audience = match self.aud {
            Audience::Several(audiences) => audiences,
            Audience::One(audience) => vec![audience],
        };
        Some(AccessClaims {
            subject: UserId::parse(&self.sub).ok()?,
            session_id: SessionId::parse(&self.sid).ok()?,
            token_id: TokenId::parse(&self.jti).ok()?,
            audience,
            issue_time: time(self.iat)?,
            expire_time: time(self.exp)?,
            auth_time: time(self.auth_time)?,
            acr: self.acr,
            amr: self.amr,
        })
    }
}
