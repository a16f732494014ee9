//! The name that somebody signs in under, and what the store knows of it.

use futures_util::future::try_join;

use crate::application::audit_trail::Event;
use crate::application::error::Result;
use crate::application::ports::{PasswordCredential, Transaction, Verification};
use crate::domain::account::email::EmailAddress;
use crate::domain::account::user::{UnverifiedSignIn, User, UserState};
use crate::domain::account::username::Username;
use crate::domain::audit::AuditType;
use crate::domain::credential::throttle::{HARD_LIMIT, SlowDown};
use crate::domain::id::UserId;
use crate::domain::session::Session;
use crate::domain::session::origin::Origin;

/// What the audit trail says of a right password for an address that has to be proven first.
pub(super) const AWAITS_PROOF: &str = "EMAIL_NOT_VERIFIED";

/// The name a person signs in under.
pub(super) enum Identifier {
    /// With an @.
    Email(EmailAddress),
    /// Without.
    Username(Username),
}

/// What the store knows of a name.
pub(super) struct SignInCandidate {
    pub(super) user: Option<User>,
    pub(super) credential: Option<PasswordCredential>,
}

impl Identifier {
    /// Reads a name. One that no account can have is told from one that none happens to have: alike with a sign-up, and it
    /// says nothing of accounts.
    pub(super) fn parse(text: &str) -> std::result::Result<Self, String> {
        if text.contains('@') {
            EmailAddress::parse(text).map(Self::Email).map_err(|why| why.to_string())
        } else {
            Username::parse(text).map(Self::Username).map_err(|why| why.to_string())
        }
    }

    pub(super) fn canonical(&self) -> &str {
        match self {
            Self::Email(email) => email.canonical(),
            Self::Username(username) => username.as_str(),
        }
    }
}

impl SignInCandidate {
    pub(super) fn user_id(&self) -> UserId {
        self.user.as_ref().map_or(UserId::NOBODY, |user| user.id)
    }

    /// How many attempts have failed since the last success.
    pub(super) fn failures(&self) -> i32 {
        self.credential.as_ref().map_or(0, |credential| credential.failures)
    }

    /// The person, if the account exists, the password was right, and it is not disabled by too many failures; or else
    /// a reason for the audit trail, and for nobody else. What only a sign-up stands for does not count as an account, unless
    /// unproven addresses may sign in.
    pub(super) fn proven(
        &self,
        verification: Verification,
        unverified: UnverifiedSignIn,
    ) -> std::result::Result<&User, &'static str> {
        let user = self.user.as_ref().ok_or("IDENTIFIER_UNKNOWN")?;
        match verification {
            Verification::Mismatch => Err("PASSWORD_WRONG"),
            _ if self.failures() >= HARD_LIMIT => Err("PASSWORD_DISABLED"),
            _ if user.state == UserState::Deleted => Err("ACCOUNT_DELETED"),
            _ if user.is_provisional() && user.awaits_proof(unverified) => Err(AWAITS_PROOF),
            Verification::Match | Verification::MatchOutdated => Ok(user),
        }
    }

    pub(super) fn failed(&self, why: &str, origin: &Origin) -> Event {
        let event = Event::anonymous(origin, AuditType::LoginFailed).failed(why);
        if let Some(user) = &self.user { event.on(user.id) } else { event }
    }
}

/// What the audit trail tells of a sign-in that began a session.
pub(super) fn succeeded(session: &Session, failures_before: i32, origin: &Origin) -> Event {
    let failed_often = failures_before >= SlowDown::ACCOUNT.first_delayed;
    let kind = if failed_often { AuditType::LoginSucceededAfterFailures } else { AuditType::LoginSucceeded };
    Event::by_person(session.user_id, origin, kind)
        .on(session.user_id)
        .with("session_id", session.id)
        .with("method", session.authentication.context(session.authentication.level()).methods.join(","))
        .with("failures_before", failures_before)
}

/// Finds what the store knows of a name, with the same queries whether or not it knows it.
pub(super) async fn find(tx: &dyn Transaction, identifier: &Identifier) -> Result<SignInCandidate> {
    let (users, credentials) = (tx.users(), tx.credentials());
    let (user, credential) = match identifier {
        Identifier::Email(email) => {
            try_join(users.find_by_email(email), credentials.find_password_by_email(email)).await?
        }
        Identifier::Username(name) => {
            try_join(users.find_by_username(name), credentials.find_password_by_username(name)).await?
        }
    };
    // Of two moments: whoever has the name by now may be somebody else.
    let credential = credential.filter(|credential| user.as_ref().is_some_and(|user| user.id == credential.user_id));
    Ok(SignInCandidate { user, credential })
}
