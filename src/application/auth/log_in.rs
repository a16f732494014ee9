use super::{Auth, IssuedTokens};
use crate::application::brake::{self, Brake};
use crate::application::error::{Refusal, Result, Violations};
use crate::application::ports::{PasswordCredential, Transaction, Verification};
use crate::domain::Timestamp;
use crate::domain::client::ClientLabel;
use crate::domain::email::{self, EmailAddress};
use crate::domain::id::{SessionId, UserId};
use crate::domain::origin::Origin;
use crate::domain::password::{Password, PasswordHash};
use crate::domain::refresh_token::RefreshToken;
use crate::domain::session::{Authentication, MAX_PER_USER, RefreshState, Session};
use crate::domain::text;
use crate::domain::throttle::HARD_LIMIT;
use crate::domain::user::{SignInRefusal, User, UserState};
use crate::domain::username::Username;

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

/// The name a person signs in under.
enum Identifier {
    Email(EmailAddress),
    Username(Username),
    /// No account can have such a name; it costs the same as one that none happens to have.
    Nobody(String),
}

/// What the store knows of a name.
struct Known {
    user: Option<User>,
    credential: Option<PasswordCredential>,
}

impl Auth {
    /// Signs in with a password.
    ///
    /// The work is the same for known and unknown names up to the answer: the same reads, one hash, one transaction.
    /// The account's state shows only after the right password. Waiting times are checked again after the hash, so
    /// that many parallel guesses are not worth more than the first few; an attempt that has to wait learns nothing
    /// and is not counted.
    pub async fn log_in(&self, command: LogIn, origin: &Origin) -> Result<IssuedTokens> {
        let now = self.clock.now();
        let attempt = self.parse_log_in(&command)?;
        let brake = Brake::sign_in(&self.throttle_key, attempt.identifier.canonical(), &origin.client);

        let known = {
            let mut tx = self.store.read().await?;
            brake.admit(tx.as_mut(), now).await?;
            find(tx.as_mut(), &attempt.identifier).await?
        };
        let hash = known.credential.as_ref().map(|credential| &credential.hash);
        let verification = self.hasher.verify(&attempt.password, hash).await?;
        let Some(user) = known.proven(verification) else {
            brake.remember_failure(self.store.as_ref(), known.user_id(), now).await?;
            return Err(Refusal::CredentialsInvalid.into());
        };
        user.may_sign_in(self.policy.unverified_sign_in).map_err(refuse)?;
        let stronger = match verification {
            Verification::MatchOutdated => Some(self.hasher.hash(&attempt.password).await?),
            Verification::Match | Verification::Mismatch => None,
        };

        let refresh = RefreshToken::first(SessionId::new(now, &self.entropy.bytes()?), &self.entropy.bytes()?);
        let session = self.begin_session(user.id, &attempt, &refresh, (origin, now));
        let mut tx = self.store.write().await?;
        brake.admit(tx.as_mut(), now).await?;
        let user = self.confirm(tx.as_mut(), &known, stronger.as_ref()).await?;
        brake::forget(tx.as_mut(), &self.throttle_key, attempt.identifier.canonical()).await?;
        tx.sessions().evict_sessions(user.id, MAX_PER_USER - 1, now).await?;
        self.tell_of_sign_in(tx.as_mut(), &user, &session).await?;
        tx.sessions().insert_session(&session).await?;
        tx.users().record_login(user.id, now).await?;
        tx.commit().await?;
        self.issue.issue(&session, &refresh, now)
    }

    /// Checks that what the password was checked against still holds, and clears the failures. The person as of now, whom
    /// nobody suspends or deletes before the session is there to be ended with the others.
    async fn confirm(&self, tx: &mut dyn Transaction, known: &Known, stronger: Option<&PasswordHash>) -> Result<User> {
        let user = tx.users().lock_user(known.user_id()).await?.ok_or(Refusal::CredentialsInvalid)?;
        let credential = tx.credentials().find_password(user.id).await?.ok_or(Refusal::CredentialsInvalid)?;
        let same_password = known.credential.as_ref().is_some_and(|before| before.hash == credential.hash);
        if !same_password || user.may_sign_in(self.policy.unverified_sign_in).is_err() {
            return Err(Refusal::CredentialsInvalid.into());
        }
        if credential.failures > 0 {
            tx.credentials().forget_failures(user.id).await?;
        }
        if let Some(stronger) = stronger {
            tx.credentials().upgrade_hash(user.id, &credential.hash, stronger).await?;
        }
        Ok(user)
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

impl Identifier {
    fn parse(text: &str) -> Self {
        if text.contains('@') {
            EmailAddress::parse(text).map_or_else(|_| Self::Nobody(text.to_lowercase()), Self::Email)
        } else {
            Username::parse(text).map_or_else(|_| Self::Nobody(text.to_lowercase()), Self::Username)
        }
    }

    fn canonical(&self) -> &str {
        match self {
            Self::Email(email) => email.canonical(),
            Self::Username(username) => username.as_str(),
            Self::Nobody(text) => text,
        }
    }
}

impl Known {
    fn user_id(&self) -> UserId {
        self.user.as_ref().map_or(UserId::NOBODY, |user| user.id)
    }

    /// The person, if the account exists, the password was right, and it is not disabled by too many failures.
    fn proven(&self, verification: Verification) -> Option<&User> {
        let enabled = self.credential.as_ref().is_some_and(|credential| credential.failures < HARD_LIMIT);
        let user = self.user.as_ref().filter(|user| user.state != UserState::Deleted);
        match verification {
            Verification::Match | Verification::MatchOutdated if enabled => user,
            _ => None,
        }
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

async fn find(tx: &mut dyn Transaction, identifier: &Identifier) -> Result<Known> {
    let user = match identifier {
        Identifier::Email(email) => tx.users().find_by_email(email).await?,
        Identifier::Username(username) => tx.users().find_by_username(username).await?,
        Identifier::Nobody(_) => tx.users().find_user(UserId::NOBODY).await?,
    };
    let user_id = user.as_ref().map_or(UserId::NOBODY, |user| user.id);
    let credential = tx.credentials().find_password(user_id).await?;
    Ok(Known { user, credential })
}
