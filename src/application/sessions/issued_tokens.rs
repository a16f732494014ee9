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
use crate::domain::session::authentication::AssuranceLevel;
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

/// Whose session it is, as far as its tokens depend on it.
pub(super) struct Holder {
    pub(super) roles: Vec<Role>,
    pub(super) has_factor: bool,
}

impl Sessions {
    /// The tokens of a session whose live refresh token is `refresh`. No access token outlives its session, so that only
    /// an early end of the session has to be looked for; and none that tells of two factors outlives them.
    ///
    /// Who must have a second factor and has none gets tokens for enrolling one: for this server alone and without roles, so
    /// that a service which checks tokens by itself and overlooks their level takes none of them.
    pub(super) fn issue(
        &self,
        session: &Session,
        refresh: &RefreshToken,
        holder: &Holder,
        now: Timestamp,
    ) -> Result<IssuedTokens> {
        let level = self.level(session, holder, now);
        let session_end = session.idle_expire_time.min(session.expire_time);
        let mut access_expire_time = (now + self.policy.access_token_lifetime).min(session_end);
        let (mut roles, mut audience) = (holder.roles.as_slice(), session.audience.as_deref());
        match level {
            AssuranceLevel::Enrolment => (roles, audience) = (&[], None),
            AssuranceLevel::Aal1 => {}
            AssuranceLevel::Aal2 => {
                access_expire_time = access_expire_time.min(session.aal2_expire_time.unwrap_or(now));
            }
        }
        let claims = AccessClaims {
            principal: Principal::Person {
                user_id: session.user_id,
                session_id: session.id,
                authentication: session.authentication.context(level),
            },
            grants: Grants::Roles(roles.iter().map(|role| role.name.as_str().to_owned()).collect()),
            token_id: TokenId::new(now, &self.entropy.bytes()?),
            audience: self.policy.audiences.claim(audience),
            issue_time: now,
            expire_time: access_expire_time,
        };
        Ok(IssuedTokens {
            access_token: self.tokens.sign(&claims)?,
            access_expire_time,
            refresh_token: refresh.expose(&self.refresh_key.current()),
            refresh_expire_time: session_end,
            session_id: session.id,
        })
    }

    fn level(&self, session: &Session, holder: &Holder, now: Timestamp) -> AssuranceLevel {
        let level = session.level(now);
        let is_enough =
            level == AssuranceLevel::Aal2 || holder.has_factor || !self.policy.demands_factor(&holder.roles);
        if is_enough { level } else { AssuranceLevel::Enrolment }
    }
}
