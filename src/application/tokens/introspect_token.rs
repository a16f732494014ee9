use std::sync::Arc;

use super::Tokens;
use crate::application::access::Held;
use crate::application::access::caller::Caller;
use crate::application::call::Call;
use crate::application::error::{Result, Violations};
use crate::application::ports::{MAX_TOKEN_BYTES, Verified};
use crate::domain::secret::Secret;
use crate::domain::session::authentication::AssuranceLevel;
use crate::domain::text;

/// Which token to look at.
#[derive(Debug, Clone)]
pub struct IntrospectToken {
    /// The token.
    pub token: Secret,
    /// Whom it has to be for, or empty.
    pub audience: String,
}

/// A token that is good now.
#[derive(Debug)]
pub struct ActiveToken {
    /// What it says.
    pub token: Arc<Verified>,
    /// What its subject may do; nothing for a token that is limited to a scope.
    pub held: Option<Arc<Held>>,
}

impl Tokens {
    /// What a token stands for, if it is good; nothing else about one that is not (RFC 7662, section 2.2).
    pub async fn introspect_token(&self, call: &Call, command: IntrospectToken) -> Result<Option<ActiveToken>> {
        let mut violations = Violations::default();
        let token = violations.take("token", text::required(command.token.expose(), MAX_TOKEN_BYTES));
        let audience = violations.take("audience", text::optional(&command.audience, 255));
        let (token, audience) = violations.check(token.zip(audience))?;
        let audience = Some(audience).filter(|audience| !audience.is_empty());
        let Ok(token) = self.verifier.verify(token, audience, call.now) else {
            return Ok(None);
        };
        if !self.authorizer.cached().is_good(&token, call.now).await? {
            return Ok(None);
        }
        // Its bearer has to enrol a second factor first, and is nobody to other services until then.
        let level = Caller { token: token.clone() }.level();
        if level == Some(AssuranceLevel::Enrolment) {
            return Ok(None);
        }
        let held = match token.scope() {
            Some(_) => None,
            None => Some(self.authorizer.cached().held_by(token.claims.principal.subject()).await?),
        };
        Ok(Some(ActiveToken { token, held }))
    }
}
