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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::domain::account::profile::DisplayName;
    use crate::domain::account::user::SignUp;
    use crate::domain::credential::password::PasswordHash;

    fn candidate(failures: i32, change: impl FnOnce(&mut User)) -> SignInCandidate {
        let email = EmailAddress::parse("alice@example.com").unwrap();
        let who = SignUp { email, username: None, display_name: DisplayName::default(), locale: None };
        let mut user = User::sign_up(UserId::NOBODY, who, Timestamp::UNIX_EPOCH);
        change(&mut user);
        let credential = PasswordCredential { user_id: user.id, hash: PasswordHash::new("h".to_owned()), failures };
        SignInCandidate { user: Some(user), credential: Some(credential) }
    }

    fn proven(candidate: &SignInCandidate, verification: Verification) -> std::result::Result<(), &'static str> {
        candidate.proven(verification, UnverifiedSignIn::Refused).map(|user| assert_eq!(user.id, UserId::NOBODY))
    }

    #[test]
    fn only_the_right_password_of_an_account_that_somebody_stands_for_proves_who_it_is() {
        let active = |user: &mut User| assert!(user.prove_email(Timestamp::UNIX_EPOCH));
        let deleted = |user: &mut User| user.state = UserState::Deleted;
        let vouched = |user: &mut User| user.unproven = None;
        for (candidate, why) in [
            (candidate(99, active), None),
            (candidate(100, active), Some("PASSWORD_DISABLED")),
            (candidate(0, deleted), Some("ACCOUNT_DELETED")),
            (candidate(0, |_| {}), Some("EMAIL_NOT_VERIFIED")),
            // Whether this one may sign in is told: an operator made it, so it is no secret from whoever knows the password.
            (candidate(0, vouched), None),
            (SignInCandidate { user: None, credential: None }, Some("IDENTIFIER_UNKNOWN")),
        ] {
            for verification in [Verification::Match, Verification::MatchOutdated] {
                assert_eq!(proven(&candidate, verification).err(), why);
            }
            let wrong = if candidate.user.is_some() { "PASSWORD_WRONG" } else { "IDENTIFIER_UNKNOWN" };
            assert_eq!(proven(&candidate, Verification::Mismatch), Err(wrong));
        }
    }

    #[test]
    fn where_unproven_addresses_may_sign_in_a_sign_up_is_an_account() {
        let sign_up = candidate(0, |_| {});
        assert!(sign_up.proven(Verification::Match, UnverifiedSignIn::Allowed).is_ok());
    }
}
