//! Makes the tokens of a session.

use std::sync::Arc;

use time::Duration;

use super::error::Result;
use super::ports::{AccessClaims, AccessTokens, Entropy};
use crate::domain::Timestamp;
use crate::domain::audience::Audiences;
use crate::domain::id::{SessionId, TokenId};
use crate::domain::refresh_token::RefreshToken;
use crate::domain::secret::{Secret, SecretKey};
use crate::domain::session::Session;

/// The tokens of a session, for the client.
#[derive(Debug)]
pub struct IssuedTokens {
    /// The signed access token.
    pub access_token: Secret,
    /// When it expires.
    pub access_expire_time: Timestamp,
    /// The next refresh token.
    pub refresh_token: Secret,
    /// When it expires unless used.
    pub refresh_expire_time: Timestamp,
    /// The session.
    pub session_id: SessionId,
}

/// Makes the tokens of sessions.
pub(super) struct TokenIssue {
    pub(super) tokens: Arc<dyn AccessTokens>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) refresh_key: SecretKey,
    pub(super) access_lifetime: Duration,
    pub(super) audiences: Audiences,
}

impl TokenIssue {
    /// The tokens of a session whose live refresh token is `refresh`. No access token outlives its session.
    pub(super) fn issue(&self, session: &Session, refresh: &RefreshToken, now: Timestamp) -> Result<IssuedTokens> {
        let access_expire_time = (now + self.access_lifetime).min(session.expire_time);
        let claims = AccessClaims {
            subject: session.user_id,
            session_id: session.id,
            token_id: TokenId::new(now, &self.entropy.bytes()?),
            audience: self.audiences.claim(session.audience.as_deref()),
            issue_time: now,
            expire_time: access_expire_time,
            auth_time: session.authentication.time,
            acr: session.authentication.level.clone(),
            amr: session.authentication.methods.clone(),
        };
        Ok(IssuedTokens {
            access_token: self.tokens.sign(&claims)?,
            access_expire_time,
            refresh_token: refresh.expose(&self.refresh_key),
            refresh_expire_time: session.idle_expire_time.min(session.expire_time),
            session_id: session.id,
        })
    }
}
