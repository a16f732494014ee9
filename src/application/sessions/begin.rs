use futures_util::TryFutureExt;
use futures_util::future::{try_join3, try_join4};

use super::issued_tokens::Holder;
use super::{IssuedTokens, Sessions};
use crate::application::access::caller::{Bearer, Caller};
use crate::application::call::Call;
use crate::application::error::Result;
use crate::application::factors::reset_key;
use crate::application::ports::Transaction;
use crate::application::sign_in::ProvenSignIn;
use crate::domain::account::user::User;
use crate::domain::id::SessionId;
use crate::domain::session::authentication::AssuranceLevel;
use crate::domain::session::refresh_token::RefreshToken;
use crate::domain::session::{EndReason, MAX_PER_USER, RefreshState, Session};

/// A session that was stored in a transaction, whose tokens are issued once that is committed.
pub(in crate::application) struct BegunSession {
    /// The session.
    pub(in crate::application) session: Session,
    refresh: RefreshToken,
    holder: Holder,
}

impl Sessions {
    /// Begins a session: evicts the oldest of too many, notifies the person, and stores it. To be called with the person's
    /// row locked: nobody suspends or deletes the person before the session is there to be ended with the others.
    pub(in crate::application) async fn begin(
        &self,
        tx: &dyn Transaction,
        user: &User,
        sign_in: ProvenSignIn,
        call: &Call,
    ) -> Result<BegunSession> {
        let id = SessionId::new(call.now, &self.entropy.bytes()?);
        let refresh = RefreshToken::first(id, &self.entropy.bytes()?);
        let after_failures = sign_in.after_failures;
        let session = self.session(user, sign_in, &refresh, call);
        // In this order: the session is neither the oldest nor one that was known before.
        let store = try_join4(
            tx.sessions().evict_sessions(user.id, MAX_PER_USER - 1, call.now).err_into(),
            self.notify_of_sign_in(tx, user, &session, after_failures),
            tx.sessions().insert_session(&session).err_into(),
            tx.users().record_login(user.id, call.now).err_into(),
        );
        let roles = tx.roles().roles_of(user.id.into()).err_into();
        let (_, (), roles) = try_join3(store, self.keep_factors(tx, &session, call), roles).await?;
        Ok(BegunSession { session, refresh, holder: Holder { roles, has_factor: user.mfa_enabled } })
    }

    /// Whoever has a second factor at hand has not lost it.
    async fn keep_factors(&self, tx: &dyn Transaction, session: &Session, call: &Call) -> Result<()> {
        if session.level(call.now) == AssuranceLevel::Aal2 {
            tx.jobs().cancel_job(&reset_key(session.user_id)).await?;
        }
        Ok(())
    }

    /// Ends the session whose access token a sign-in of the same person shows: the new one takes its place (ASVS 7.2.4).
    pub(in crate::application) async fn replace(
        &self,
        tx: &dyn Transaction,
        begun: &BegunSession,
        call: &Call,
    ) -> Result<()> {
        let Bearer::Token(token) = &call.bearer else { return Ok(()) };
        let shown = self.tokens.verify(token.expose(), None, call.now).ok();
        let shown = shown.and_then(|token| Caller { token }.person());
        if let Some(shown) = shown.filter(|shown| shown.user_id == begun.session.user_id) {
            tx.sessions().end_session(shown.session_id, EndReason::Replaced, call.now).await?;
        }
        Ok(())
    }

    /// The tokens of a session that was begun and committed.
    pub(in crate::application) fn tokens_of(&self, begun: &BegunSession, call: &Call) -> Result<IssuedTokens> {
        self.issue(&begun.session, &begun.refresh, &begun.holder, call.now)
    }

    fn session(&self, user: &User, sign_in: ProvenSignIn, refresh: &RefreshToken, call: &Call) -> Session {
        let lifetimes = self.policy.sessions;
        let expire_time = call.now + lifetimes.absolute;
        let aal2_expire_time = sign_in.authentication.aal2_expire_time(call.now, lifetimes.aal2);
        Session {
            id: refresh.session_id(),
            user_id: user.id,
            client_id: sign_in.client_id,
            parent_id: None,
            client: call.origin.client.clone(),
            label: sign_in.label,
            audience: sign_in.audience,
            authentication: sign_in.authentication,
            aal2_expire_time: aal2_expire_time.filter(|&time| time > call.now),
            create_time: call.now,
            last_seen_time: call.now,
            expire_time,
            idle_expire_time: (call.now + lifetimes.idle).min(expire_time),
            end: None,
            refresh: RefreshState {
                generation: refresh.generation(),
                current: refresh.digest(),
                previous: None,
                rotate_time: call.now,
            },
        }
    }
}
