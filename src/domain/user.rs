//! People and the states of their accounts.

use time::Duration;

use super::Timestamp;
use super::attributes::Attributes;
use super::email::EmailAddress;
use super::id::UserId;
use super::profile::{DisplayName, Locale};
use super::username::Username;

/// The state of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserState {
    /// The e-mail address is not proven yet.
    Pending,
    /// In use.
    Active,
    /// Suspended by an operator.
    Suspended,
    /// Deleted, and erased later.
    Deleted,
}

/// Why a person who gave the right password still cannot sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInRefusal {
    /// As if the account did not exist.
    Unknown,
    /// An operator suspended the account.
    Disabled,
    /// The e-mail address is not proven.
    EmailNotVerified,
    /// The password has to be replaced first.
    PasswordChangeRequired,
}

/// Whether unproven addresses may sign in; an operator's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnverifiedSignIn {
    /// They may not.
    Refused,
    /// They may.
    Allowed,
}

/// A person with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Names the person for ever.
    pub id: UserId,
    /// Where mail goes; unique in its canonical form.
    pub email: EmailAddress,
    /// Whether the person has proven to receive mail there.
    pub email_verified: bool,
    /// A second name to sign in with; unique.
    pub username: Option<Username>,
    /// The name to show.
    pub display_name: DisplayName,
    /// The language for mail.
    pub locale: Option<Locale>,
    /// What the application keeps with the person.
    pub attributes: Attributes,
    /// Where the account is in its life.
    pub state: UserState,
    /// Why an operator gave it that state, or empty.
    pub state_reason: String,
    /// Whether the password must be replaced before the next sign-in.
    pub password_change_required: bool,
    /// When the account was made.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
    /// When the person last signed in.
    pub last_login_time: Option<Timestamp>,
    /// When it was deleted.
    pub delete_time: Option<Timestamp>,
    /// When a deleted account will be erased.
    pub purge_time: Option<Timestamp>,
    /// Grows by one with each change: the basis of the etag.
    pub revision: i64,
}

/// What a person says when signing up.
#[derive(Debug, Clone)]
pub struct SignUp {
    /// Where mail goes.
    pub email: EmailAddress,
    /// A second name to sign in with.
    pub username: Option<Username>,
    /// The name to show.
    pub display_name: DisplayName,
    /// The language for mail.
    pub locale: Option<Locale>,
}

/// New values for what a person may say of the own account; `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Debug, Clone, Default)]
pub struct ProfileChanges {
    /// The name to show.
    pub display_name: Option<DisplayName>,
    /// The second name to sign in with.
    pub username: Option<Option<Username>>,
    /// The language for mail.
    pub locale: Option<Option<Locale>>,
    /// What the application keeps.
    pub attributes: Option<Attributes>,
}

impl User {
    /// A new account, whose address is not proven yet.
    #[must_use]
    pub fn sign_up(id: UserId, who: SignUp, now: Timestamp) -> Self {
        Self {
            id,
            email: who.email,
            email_verified: false,
            username: who.username,
            display_name: who.display_name,
            locale: who.locale,
            attributes: Attributes::default(),
            state: UserState::Pending,
            state_reason: String::new(),
            password_change_required: false,
            create_time: now,
            update_time: now,
            last_login_time: None,
            delete_time: None,
            purge_time: None,
            revision: 1,
        }
    }

    /// Records that the person receives mail at the address. Whether anything changed.
    pub fn prove_email(&mut self, now: Timestamp) -> bool {
        if self.email_verified {
            return false;
        }
        self.open();
        self.touch(now);
        true
    }

    /// Records that the person replaced the password, which settles a demand to do so.
    pub fn password_replaced(&mut self, now: Timestamp) {
        self.password_change_required = false;
        self.touch(now);
    }

    /// Records that the person replaced the password by a mailed token, which also proves the address.
    pub fn password_recovered(&mut self, now: Timestamp) {
        self.open();
        self.password_replaced(now);
    }

    /// Changes what the person may say of the own account. Fields without a new value stay as they are.
    pub fn change_profile(&mut self, changes: ProfileChanges, now: Timestamp) {
        let ProfileChanges { display_name, username, locale, attributes } = changes;
        self.display_name = display_name.unwrap_or_else(|| std::mem::take(&mut self.display_name));
        self.username = username.unwrap_or_else(|| self.username.take());
        self.locale = locale.unwrap_or_else(|| self.locale.take());
        self.attributes = attributes.unwrap_or_else(|| std::mem::take(&mut self.attributes));
        self.touch(now);
    }

    /// Takes a new address, which the person has proven.
    pub fn change_email(&mut self, email: EmailAddress, now: Timestamp) {
        self.email = email;
        self.open();
        self.touch(now);
    }

    /// Deletes the account; its data is erased after the retention time.
    pub fn delete(&mut self, retention: Duration, now: Timestamp) {
        if self.state != UserState::Deleted {
            self.state = UserState::Deleted;
            self.delete_time = Some(now);
            self.purge_time = Some(now + retention);
            self.touch(now);
        }
    }

    /// Suspends an account that is pending or active.
    pub fn suspend(&mut self, reason: &str, now: Timestamp) {
        if matches!(self.state, UserState::Pending | UserState::Active) {
            self.state = UserState::Suspended;
            reason.clone_into(&mut self.state_reason);
            self.touch(now);
        }
    }

    /// Whether the person may sign in with the right password.
    pub fn may_sign_in(&self, unverified: UnverifiedSignIn) -> Result<(), SignInRefusal> {
        match self.state {
            UserState::Deleted => Err(SignInRefusal::Unknown),
            UserState::Suspended => Err(SignInRefusal::Disabled),
            UserState::Pending if unverified == UnverifiedSignIn::Refused => Err(SignInRefusal::EmailNotVerified),
            UserState::Pending | UserState::Active if self.password_change_required => {
                Err(SignInRefusal::PasswordChangeRequired)
            }
            UserState::Pending | UserState::Active => Ok(()),
        }
    }

    /// Whether sessions of this person go on.
    #[must_use]
    pub fn keeps_sessions(&self) -> bool {
        matches!(self.state, UserState::Pending | UserState::Active)
    }

    /// Whether mailed tokens reach this person: an account that can be recovered.
    #[must_use]
    pub fn can_recover(&self) -> bool {
        self.keeps_sessions()
    }

    /// The entity tag (AIP-154), in quotes.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.revision)
    }

    /// The names a password must not be made of.
    #[must_use]
    pub fn words(&self) -> Vec<&str> {
        account_words(&self.email, self.username.as_ref(), &self.display_name)
    }

    fn open(&mut self) {
        self.email_verified = true;
        if self.state == UserState::Pending {
            self.state = UserState::Active;
        }
    }

    fn touch(&mut self, now: Timestamp) {
        self.update_time = now;
        self.revision += 1;
    }
}

/// The names a password must not be made of.
#[must_use]
pub fn account_words<'a>(
    email: &'a EmailAddress,
    username: Option<&'a Username>,
    display_name: &'a DisplayName,
) -> Vec<&'a str> {
    let mut words = vec![email.canonical(), email.written(), email.local_part(), display_name.as_str()];
    words.extend(username.map(Username::as_str));
    words.extend(display_name.as_str().split_whitespace());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> User {
        let who = SignUp {
            email: EmailAddress::parse("alice@example.com").unwrap(),
            username: None,
            display_name: DisplayName::default(),
            locale: None,
        };
        User::sign_up(UserId::new(Timestamp::UNIX_EPOCH, &[1; 10]), who, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn proving_the_address_opens_the_account_once() {
        let mut user = user();
        let etag = user.etag();
        assert_eq!(user.may_sign_in(UnverifiedSignIn::Refused), Err(SignInRefusal::EmailNotVerified));
        assert_eq!(user.may_sign_in(UnverifiedSignIn::Allowed), Ok(()));
        assert!(user.prove_email(Timestamp::UNIX_EPOCH));
        assert!(!user.prove_email(Timestamp::UNIX_EPOCH));
        assert_eq!(user.state, UserState::Active);
        assert_eq!(user.may_sign_in(UnverifiedSignIn::Refused), Ok(()));
        assert_ne!(user.etag(), etag);
    }

    #[test]
    fn recovering_the_password_proves_the_address_in_one_revision() {
        let mut user = user();
        user.password_recovered(Timestamp::UNIX_EPOCH);
        assert_eq!((user.state, user.email_verified, user.revision), (UserState::Active, true, 2));
    }

    #[test]
    fn proving_the_address_does_not_lift_a_suspension() {
        let mut user = user();
        user.suspend("fraud", Timestamp::UNIX_EPOCH);
        user.prove_email(Timestamp::UNIX_EPOCH);
        assert_eq!(user.state, UserState::Suspended);
        assert_eq!(user.may_sign_in(UnverifiedSignIn::Allowed), Err(SignInRefusal::Disabled));
        assert!(!user.keeps_sessions() && !user.can_recover());
    }

    #[test]
    fn a_deleted_account_is_unknown_and_a_demanded_change_comes_last() {
        let mut user = user();
        user.password_change_required = true;
        assert_eq!(user.may_sign_in(UnverifiedSignIn::Refused), Err(SignInRefusal::EmailNotVerified));
        user.prove_email(Timestamp::UNIX_EPOCH);
        assert_eq!(user.may_sign_in(UnverifiedSignIn::Refused), Err(SignInRefusal::PasswordChangeRequired));
        user.password_replaced(Timestamp::UNIX_EPOCH);
        assert_eq!(user.may_sign_in(UnverifiedSignIn::Refused), Ok(()));
        user.state = UserState::Deleted;
        assert_eq!(user.may_sign_in(UnverifiedSignIn::Refused), Err(SignInRefusal::Unknown));
    }
}
