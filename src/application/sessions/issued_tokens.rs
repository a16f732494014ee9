//! Makes the tokens of a session.

use super::Sessions;
use crate::application::error::Result;
use crate::application::ports::{AccessClaims, Grants};
use crate::domain::Timestamp;
use crate::domain::access::role::Role;
use crate::domain::access::subject::Principal;
use crate::domain::id::{SessionId, TokenId};
use crate::domain::secret::Secret;
use crate::domain::session::Session;
use crate::domain::session::refresh_token::RefreshToken;

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

impl Sessions {
    /// The tokens of a session whose live refresh token is `refresh`. No access token outlives its session, so that only
    /// an early end of the session has to be looked for.
    pub(super) fn issue(
        &self,
        session: &Session,
        refresh: &RefreshToken,
        roles: &[Role],
        now: Timestamp,
    ) -> Result<IssuedTokens> {
        let session_end = session.idle_expire_time.min(session.expire_time);
        let access_expire_time = (now + self.policy.access_token_lifetime).min(session_end);
        let claims = AccessClaims {
            principal: Principal::Person {
                user_id: session.user_id,
                session_id: session.id,
                authentication: session.authentication.context(),
            },
            grants: Grants::Roles(roles.iter().map(|role| role.name.as_str().to_owned()).collect()),
            token_id: TokenId::new(now, &self.entropy.bytes()?),
            audience: self.policy.audiences.claim(session.audience.as_deref()),
            issue_time: now,
            expire_time: access_expire_time,
        };
        Ok(IssuedTokens {
            access_token: self.tokens.sign(&claims)?,
            access_expire_time,
            refresh_token: refresh.expose(&self.refresh_key),
            refresh_expire_time: session_end,
            session_id: session.id,
        })
    }
}
