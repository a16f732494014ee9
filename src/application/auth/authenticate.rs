use super::Auth;
use crate::application::caller::Caller;
use crate::application::error::{Refusal, Result};
use crate::application::ports::TokenRejected;
use crate::domain::secret::Secret;
use crate::domain::session::origin::Origin;

/// What came in the metadata `authorization`.
#[derive(Debug, Clone)]
pub enum Bearer {
    /// Not exactly one value of the scheme `Bearer` (RFC 6750).
    Missing,
    /// One access token.
    Token(Secret),
}

impl Auth {
    /// Checks an access token for this server: by itself first, then that nothing has made it void.
    pub async fn authenticate(&self, bearer: &Bearer, origin: &Origin) -> Result<Caller> {
        self.authenticate_for(self.policy.audiences.own(), bearer, origin).await
    }

    /// As `authenticate`, with an access token for this audience.
    pub(super) async fn authenticate_for(&self, audience: &str, bearer: &Bearer, origin: &Origin) -> Result<Caller> {
        let now = self.clock.now();
        let Bearer::Token(token) = bearer else {
            return Err(Refusal::TokenMissing.into());
        };
        let token = self.tokens.verify(token.expose(), Some(audience), now).map_err(|rejected| match rejected {
            TokenRejected::Expired => Refusal::TokenExpired,
            TokenRejected::Invalid => Refusal::TokenInvalid,
        })?;
        if self.admission.is_good(&token).await? {
            Ok(Caller::new(token, origin))
        } else {
            Err(Refusal::TokenInvalid.into())
        }
    }
}
