use futures_util::future::try_join;

use super::issued_tokens::Holder;
use super::{IssuedTokens, Sessions};
use crate::application::call::Call;
use crate::application::error::{Error, Refusal, Result, Violations};
use crate::application::ports::Transaction;
use crate::domain::audit::AuditType;
use crate::domain::secret::{Secret, SecretKey};
use crate::domain::session::refresh_token;
use crate::domain::session::refresh_token::RefreshToken;
use crate::domain::session::{EndReason, RefreshVerdict, Session};
use crate::domain::text;

/// What a client sends to get new tokens.
#[derive(Debug, Clone, Default)]
pub struct Refresh {
    /// The refresh token.
    pub refresh_token: Secret,
    /// The service that the access token is to be for, or empty for that of the sign-in.
    pub audience: String,
}

/// A token that this service issued, and the one that replaces it.
struct Presented {
    token: RefreshToken,
    successor: RefreshToken,
}

/// A session whose live token is the successor.
struct Rotated {
    session: Session,
    holder: Holder,
}

impl Presented {
    /// The successor is made under the key of the token itself: while keys are replaced, a client that lost the answer gets
    /// the same one from every replica.
    fn parse(text: &str, key: &SecretKey) -> Option<Self> {
        let token = RefreshToken::parse(text, key)?;
        Some(Self { successor: token.successor(key), token })
    }
}

impl Sessions {
    /// Exchanges a refresh token for new tokens.
    ///
    /// Parallel refreshes of one token agree on one successor: one of them stores it, the others find it stored and,
    /// within the grace, derive the same one. A client that breaks off after the change was stored gets it again in
    /// the same way.
    pub async fn refresh(&self, call: &Call, command: Refresh) -> Result<IssuedTokens> {
        let mut violations = Violations::default();
        let text = text::required(command.refresh_token.expose(), refresh_token::MAX_BYTES);
        let text = violations.take("refresh_token", text);
        let audience = violations.take("audience", text::optional(&command.audience, 255));
        let (text, audience) = violations.check(text.zip(audience))?;
        let audiences = &self.policy.audiences;
        let wanted = match audience {
            "" => None,
            audience => Some(audiences.choose(audience).map_err(|_| Refusal::AudienceUnknown)?),
        };
        let presented = self.refresh_key.find(|key| Presented::parse(text, key)).ok_or(Refusal::RefreshTokenInvalid)?;

        let tx = self.store.write().await?;
        let mut rotated = self.rotate(tx.as_ref(), &presented, call).await;
        if matches!(rotated, Ok(None)) {
            rotated = self.rotate(tx.as_ref(), &presented, call).await;
        }
        match rotated {
            Ok(Some(Rotated { mut session, holder })) => {
                tx.commit().await?;
                // For these tokens alone: the next ones are for the audience of the sign-in again.
                session.audience = wanted.unwrap_or(session.audience);
                self.issue(&session, &presented.successor, &holder, call.now)
            }
            Ok(None) => Err(Refusal::RefreshTokenInvalid.into()),
            Err(Error::Refused(refusal)) => {
                // The refusal may have ended the session, which must be remembered before it is told.
                tx.commit().await?;
                Err(refusal.into())
            }
            Err(error) => Err(error),
        }
    }

    /// The session with its new live token; nothing if a parallel refresh was faster.
    async fn rotate(
        &self,
        tx: &dyn Transaction,
        Presented { token, successor }: &Presented,
        call: &Call,
    ) -> Result<Option<Rotated>> {
        let id = token.session_id();
        let find = tx.sessions().find_session_with_user(id);
        let (found, roles) = try_join(find, tx.roles().roles_of_session(id)).await?;
        let (mut session, user) = found.ok_or(Refusal::RefreshTokenInvalid)?;
        if !user.keeps_sessions() || user.awaits_proof(self.policy.unverified_sign_in) {
            return Err(Refusal::RefreshTokenInvalid.into());
        }
        let holder = Holder { roles, has_factor: user.mfa_enabled };
        match session.judge(token, call.now, self.policy.sessions.refresh_grace) {
            RefreshVerdict::Rotate => {
                session.rotate(successor, call.now, self.policy.sessions);
                let stored = tx.sessions().rotate_session(&session, &token.digest()).await?;
                Ok(stored.then_some(Rotated { session, holder }))
            }
            RefreshVerdict::Repeat => Ok(Some(Rotated { session, holder })),
            RefreshVerdict::Reused => {
                tx.sessions().end_session(session.id, EndReason::TokenReuse, call.now).await?;
                let event = call.event(AuditType::TokenReused).on(user.id).failed("REFRESH_TOKEN_REUSED");
                self.trail.record(tx, event.with("session_id", session.id), call.now).await?;
                tracing::warn!(session_id = %session.id, user_id = %user.id, "a retired refresh token came back, the session was ended");
                Err(Refusal::RefreshTokenInvalid.into())
            }
            RefreshVerdict::Over => Err(Refusal::RefreshTokenInvalid.into()),
        }
    }
}
