//! People and their accounts.

mod states;

pub use states::{SignInRefusal, StateForbids, StateReason, UnverifiedSignIn, UserState};

use super::attributes::Attributes;
use super::email::EmailAddress;
use super::profile::{DisplayName, Locale};
use super::username::Username;
use crate::domain::Timestamp;
use crate::domain::id::UserId;

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
    /// Where the account is in its life: follows from `delete_time`, `suspend_time` and `email_verified`, in this order.
    pub state: UserState,
    /// When an operator suspended it, which a deletion hides and keeps.
    pub suspend_time: Option<Timestamp>,
    /// Why an operator suspended or activated it.
    pub state_reason: StateReason,
    /// What a sign-up alone stands for: no proof of the address came, and no operator stands for the account.
    pub unproven: Option<UnprovenSignUp>,
    /// Whether the password must be replaced before the next sign-in.
    pub password_change_required: bool,
    /// Whether signing in takes a second factor.
    pub mfa_enabled: bool,
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

/// A sign-up with an address that nobody has proven yet: its owner may never have heard of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnprovenSignUp {
    /// The username that the account gets with the proof, if nobody else has it by then.
    pub username: Option<Username>,
    /// Whether somebody else signed up too, with another password. Nobody can tell whose sign-up is the owner's, so that
    /// the proof leaves nothing of any of them.
    pub disputed: bool,
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

/// New values for what an operator may say of an account; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// What the person may say too.
    pub profile: ProfileChanges,
    /// Where mail goes. A new address is unproven unless the operator vouches for it.
    pub email: Option<EmailAddress>,
    /// Whether the address is proven, as the operator decides.
    pub email_verified: Option<bool>,
}

impl User {
    /// A new account, whose address is not proven yet.
    #[must_use]
    pub fn sign_up(id: UserId, who: SignUp, now: Timestamp) -> Self {
        Self {
            id,
            email: who.email,
            email_verified: false,
            username: None,
            display_name: who.display_name,
            locale: who.locale,
            attributes: Attributes::default(),
            state: UserState::Pending,
            suspend_time: None,
            state_reason: StateReason::default(),
            unproven: Some(UnprovenSignUp { username: who.username, disputed: false }),
            password_change_required: false,
            mfa_enabled: false,
            create_time: now,
            update_time: now,
            last_login_time: None,
            delete_time: None,
            purge_time: None,
            revision: 1,
        }
    }

    /// A new account that an operator stands for, who may also vouch for its address.
    #[must_use]
    pub fn provision(id: UserId, who: SignUp, email_verified: bool, now: Timestamp) -> Self {
        let state = if email_verified { UserState::Active } else { UserState::Pending };
        let username = who.username.clone();
        Self { email_verified, state, username, unproven: None, ..Self::sign_up(id, who, now) }
    }

    /// Changes what the person may say of the own account. Fields without a new value stay as they are.
    pub fn change_profile(&mut self, changes: ProfileChanges, now: Timestamp) {
        let ProfileChanges { display_name, username, locale, attributes } = changes;
        self.display_name = display_name.unwrap_or_else(|| std::mem::take(&mut self.display_name));
        let own = self.unproven.as_mut().map_or(&mut self.username, |sign_up| &mut sign_up.username);
        *own = username.unwrap_or_else(|| own.take());
        self.locale = locale.unwrap_or_else(|| self.locale.take());
        self.attributes = attributes.unwrap_or_else(|| std::mem::take(&mut self.attributes));
        self.settle(now);
    }

    /// Takes a new address, which the person has proven. What others claimed was the old one.
    pub fn change_email(&mut self, email: EmailAddress, now: Timestamp) {
        self.email = email;
        if let Some(sign_up) = &mut self.unproven {
            sign_up.disputed = false;
        }
        self.open();
        self.settle(now);
    }

    /// Changes what an operator may say of an account, the address and its proof included.
    pub fn administer(&mut self, changes: Changes, now: Timestamp) -> Result<(), StateForbids> {
        self.require_state(|state| state != UserState::Deleted)?;
        if let Some(email) = changes.email {
            // Another way to write the same address is proven with it.
            self.email_verified &= email.canonical() == self.email.canonical();
            self.email = email;
            self.stand_for();
        }
        match changes.email_verified {
            Some(true) => self.open(),
            Some(false) => self.email_verified = false,
            None => {}
        }
        self.change_profile(changes.profile, now);
        Ok(())
    }

    /// Whether the person has a second factor has changed.
    pub fn mfa_changed(&mut self, enabled: bool, now: Timestamp) {
        self.mfa_enabled = enabled;
        self.settle(now);
    }

    /// The username that the account has, or gets with the proof of the address.
    #[must_use]
    pub fn claimed_username(&self) -> Option<&Username> {
        self.unproven.as_ref().map_or(&self.username, |sign_up| &sign_up.username).as_ref()
    }

    /// The entity tag (AIP-154), in quotes.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.revision)
    }

    /// The names a password must not be made of.
    #[must_use]
    pub fn words(&self) -> Vec<&str> {
        account_words(&self.email, self.claimed_username(), &self.display_name)
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
