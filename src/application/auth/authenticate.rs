use super::Auth;
use crate::application::caller::Caller;
use crate::application::error::{Refusal, Result};
use crate::application::ports::TokenRejected;
use crate::application::rights;
use crate::domain::origin::Origin;
use crate::domain::secret::Secret;

/// What came in the metadata `authorization`.
#[derive(Debug, Clone)]
pub enum Bearer {
    /// Not exactly one value of the scheme `Bearer` (RFC 6750).
    Missing,
    /// One access token.
    Token(Secret),
}

impl Auth {
    /// Checks an access token: by itself first, then that its session goes on and its person may be here.
    pub async fn authenticate(&self, bearer: &Bearer, origin: &Origin) -> Result<Caller> {
        let now = self.clock.now();
        let Bearer::Token(token) = bearer else {
            return Err(Refusal::TokenMissing.into());
        };
        let claims = self.tokens.verify(token.expose(), now).map_err(|rejected| match rejected {
            TokenRejected::Expired => Refusal::TokenExpired,
            TokenRejected::Invalid => Refusal::TokenInvalid,
        })?;
        let (user_id, session_id) = (claims.subject, claims.session_id);
        rights::require_presence(self.store.read().await?.as_mut(), (user_id, session_id), now).await?;
        Ok(Caller { user_id, session_id, auth_time: claims.auth_time, origin: origin.clone() })
    }
}
