use super::sign_in_candidate::{Identifier, SignInCandidate, find};
use super::{Auth, IssuedTokens};
use crate::application::attempt_limiter;
use crate::application::attempt_limiter::{AttemptLimiter, FailedAttempt};
use crate::application::audit_trail::Event;
use crate::application::error::{Refusal, Result, Violations};
use crate::application::ports::{Transaction, Verification};
use crate::domain::Timestamp;
use crate::domain::account::email;
use crate::domain::account::user::{SignInRefusal, User};
use crate::domain::audit::AuditType;
use crate::domain::credential::password::{Password, PasswordHash};
use crate::domain::id::{SessionId, UserId};
use crate::domain::session::client::ClientLabel;
use crate::domain::session::origin::Origin;
use crate::domain::session::refresh_token::RefreshToken;
use crate::domain::session::{Authentication, MAX_PER_USER, RefreshState, Session};
use crate::domain::text;

/// What a person sends to sign in.
#[derive(Debug, Clone, Default)]
pub struct LogIn {
    /// The e-mail address or the username.
    pub identifier: String,
    /// The password.
    pub password: String,
    /// The service the access token is for, or empty.
    pub audience: String,
    /// What the client calls itself, or empty.
    pub client_label: String,
}

/// A command that is well formed.
struct Attempt {
    identifier: Identifier,
    password: Password,
    audience: Option<String>,
    label: ClientLabel,
}

impl Auth {
    /// Signs in with a password.
    ///
    /// The work is the same for known and unknown names up to the answer: the same reads, one hash, one transaction. Only
    /// a hash that another system made costs more or less, until the first sign-in replaces it.
    /// The account's state shows only after the right password. Waiting times are checked again after the hash, so
    /// that many parallel guesses are not worth more than the first few; an attempt that has to wait learns nothing
    /// and is not counted.
    pub async fn log_in(&self, command: LogIn, origin: &Origin) -> Result<IssuedTokens> {
        let now = self.clock.now();
        let attempt = self.parse_log_in(&command)?;
        let limiter = AttemptLimiter::sign_in(&self.throttle_key, attempt.identifier.canonical(), &origin.client);
        let outcome = self.try_log_in(&attempt, &limiter, (origin, now)).await;
        let throttled = Event::anonymous(origin, AuditType::LoginThrottled);
        self.trail.note_throttling(self.store.as_ref(), outcome, throttled, now).await
    }

    async fn try_log_in(
        &self,
        attempt: &Attempt,
        limiter: &AttemptLimiter,
        (origin, now): (&Origin, Timestamp),
    ) -> Result<IssuedTokens> {
        let known = {
            let mut tx = self.store.read().await?;
            limiter.check(tx.as_mut(), now).await?;
            find(tx.as_mut(), &attempt.identifier).await?
        };
        let hash = known.credential.as_ref().map(|credential| &credential.hash);
        let verification = self.hasher.verify(&attempt.password, hash).await?;
        let user = match known.proven(verification) {
            Ok(user) => user,
            Err(why) => {
                let attempt = FailedAttempt { user_id: known.user_id(), event: known.failed(why, origin) };
                limiter.remember_failure(self.store.as_ref(), &self.trail, attempt, now).await?;
                return Err(Refusal::CredentialsInvalid.into());
            }
        };
        if let Err(why) = user.may_sign_in(self.policy.unverified_sign_in) {
            let event = Event::by_person(user.id, origin, AuditType::LoginFailed).on(user.id).denied(word(why));
            self.trail.record_alone(self.store.as_ref(), event, now).await?;
            return Err(refuse(why).into());
        }
        let stronger = match verification {
            Verification::MatchOutdated => Some(self.hasher.hash(&attempt.password).await?),
            Verification::Match | Verification::Mismatch => None,
        };

        let refresh = RefreshToken::first(SessionId::new(now, &self.entropy.bytes()?), &self.entropy.bytes()?);
        let session = self.begin_session(user.id, attempt, &refresh, (origin, now));
        let mut tx = self.store.write().await?;
        limiter.check(tx.as_mut(), now).await?;
        let Some(user) = self.confirm(tx.as_mut(), &known, stronger.as_ref()).await? else {
            let event = known.failed("ACCOUNT_CHANGED_MEANWHILE", origin);
            self.trail.record(tx.as_mut(), event, now).await?;
            tx.commit().await?;
            return Err(Refusal::CredentialsInvalid.into());
        };
        attempt_limiter::forget(tx.as_mut(), &self.throttle_key, attempt.identifier.canonical()).await?;
        tx.sessions().evict_sessions(user.id, MAX_PER_USER - 1, now).await?;
        self.notify_of_sign_in(tx.as_mut(), &user, (&session, known.failed_often())).await?;
        tx.sessions().insert_session(&session).await?;
        tx.users().record_login(user.id, now).await?;
        self.trail.record(tx.as_mut(), known.succeeded(&session, origin), now).await?;
        let roles = tx.roles().roles_of(user.id.into()).await?;
        tx.commit().await?;
        self.issue.issue(&session, &refresh, (&roles, now))
    }

    /// The person, if what the password was checked against still holds; clears the failures. Nobody suspends or deletes
    /// the person before the session is there to be ended with the others.
    async fn confirm(
        &self,
        tx: &mut dyn Transaction,
        known: &SignInCandidate,
        stronger: Option<&PasswordHash>,
    ) -> Result<Option<User>> {
        let user = tx.users().lock_user(known.user_id()).await?;
        let credential = tx.credentials().find_password(known.user_id()).await?;
        let (Some(user), Some(credential)) = (user, credential) else {
            return Ok(None);
        };
        let same_password = known.credential.as_ref().is_some_and(|before| before.hash == credential.hash);
        if !same_password || user.may_sign_in(self.policy.unverified_sign_in).is_err() {
            return Ok(None);
        }
        if credential.failures > 0 {
            tx.credentials().forget_failures(user.id).await?;
        }
        if let Some(stronger) = stronger {
            tx.credentials().upgrade_hash(user.id, &credential.hash, stronger).await?;
        }
        Ok(Some(user))
    }

    fn begin_session(
        &self,
        user_id: UserId,
        attempt: &Attempt,
        refresh: &RefreshToken,
        (origin, now): (&Origin, Timestamp),
    ) -> Session {
        let lifetimes = self.policy.sessions;
        let expire_time = now + lifetimes.absolute;
        Session {
            id: refresh.session_id(),
            user_id,
            client: origin.client.clone(),
            label: attempt.label.clone(),
            audience: attempt.audience.clone(),
            authentication: Authentication::by_password(now),
            create_time: now,
            last_seen_time: now,
            expire_time,
            idle_expire_time: (now + lifetimes.idle).min(expire_time),
            end: None,
            refresh: RefreshState {
                generation: refresh.generation(),
                current: refresh.digest(),
                previous: None,
                rotate_time: now,
            },
        }
    }

    fn parse_log_in(&self, command: &LogIn) -> Result<Attempt> {
        let mut violations = Violations::default();
        let identifier = violations.take("identifier", text::required(&command.identifier, email::MAX_BYTES));
        let password = violations.take("password", Password::presented(&command.password));
        let audience = violations.take("audience", text::optional(&command.audience, 255));
        let label = violations.take("client_label", ClientLabel::parse(&command.client_label));
        let ((identifier, password), (audience, label)) =
            violations.check(identifier.zip(password).zip(audience.zip(label)))?;
        Ok(Attempt {
            identifier: Identifier::parse(identifier),
            password,
            audience: self.policy.audiences.choose(audience).map_err(|_| Refusal::AudienceUnknown)?,
            label,
        })
    }
}

fn refuse(why: SignInRefusal) -> Refusal {
    match why {
        SignInRefusal::Unknown => Refusal::CredentialsInvalid,
        SignInRefusal::Disabled => Refusal::AccountDisabled,
        SignInRefusal::EmailNotVerified => Refusal::EmailNotVerified,
        SignInRefusal::PasswordChangeRequired => Refusal::PasswordChangeRequired,
    }
}

/// The word for it in the audit trail.
fn word(why: SignInRefusal) -> &'static str {
    match why {
        SignInRefusal::Unknown => "ACCOUNT_DELETED",
        SignInRefusal::Disabled => "ACCOUNT_DISABLED",
        SignInRefusal::EmailNotVerified => "EMAIL_NOT_VERIFIED",
        SignInRefusal::PasswordChangeRequired => "PASSWORD_CHANGE_REQUIRED",
    }
}
