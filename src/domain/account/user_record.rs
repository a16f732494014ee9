//! People as they come from another system, or from another installation.

use super::user::{UnprovenSignUp, User, UserState};
use crate::domain::Timestamp;
use crate::domain::credential::factor_record::{self, FactorRecord};
use crate::domain::credential::password::PasswordHash;
use crate::domain::id::UserId;

/// What a record may state of an account or leave to whoever takes it in.
#[derive(Debug, Clone, Default)]
pub struct Stated {
    /// The id.
    pub id: Option<UserId>,
    /// When the account was made.
    pub create_time: Option<Timestamp>,
    /// When it was last changed.
    pub update_time: Option<Timestamp>,
    /// Whether the state is stated.
    pub state: bool,
    /// Whether the attributes are.
    pub attributes: bool,
    /// When it was suspended.
    pub suspend_time: Option<Timestamp>,
    /// When it was deleted.
    pub delete_time: Option<Timestamp>,
    /// When it will be erased.
    pub purge_time: Option<Timestamp>,
}

/// A person with the password hash and the second factors, as a record tells of them.
#[derive(Debug, Clone)]
pub struct UserRecord {
    /// The account, with all that the record leaves open filled in.
    pub user: User,
    /// What the record states of it.
    pub stated: Stated,
    /// The hash of the password, if it has one.
    pub password_hash: Option<PasswordHash>,
    /// The second factors that the record states.
    pub factors: Vec<FactorRecord>,
}

impl UserRecord {
    /// Whether a stored account has all that the record states, as taking it in has made of it before. What is empty or false
    /// in the record is not stated, except that somebody stands for the account. Sign-ins since then do not count, nor does the
    /// hash that they have replaced by a stronger one. Second factors count if the record states any: those of the account are
    /// only needed then.
    #[must_use]
    pub fn is_stored_as(&self, stored: &User, hash: Option<&PasswordHash>, factors: &[FactorRecord]) -> bool {
        let signed_in_since = stored.last_login_time > self.user.last_login_time;
        let has_hash = self.password_hash.is_none() || hash == self.password_hash.as_ref() || signed_in_since;
        let has_factors = self.factors.is_empty() || factor_record::are_stored_as(&self.factors, factors);
        has_hash && has_factors && self.as_expected(stored) == *stored
    }

    /// The account with all that the record states, and as it is stored in everything else.
    fn as_expected(&self, stored: &User) -> User {
        let (user, stated) = (&self.user, &self.stated);
        let state = if stated.state { user.state } else { stored.state };
        User {
            id: stated.id.unwrap_or(stored.id),
            // The same address, as whoever stored it wrote it.
            email: stored.email.clone(),
            email_verified: user.email_verified || stored.email_verified,
            username: user.username.clone().or_else(|| stored.username.clone()),
            display_name: or_stored(&user.display_name, &stored.display_name),
            locale: user.locale.clone().or_else(|| stored.locale.clone()),
            attributes: if stated.attributes { &user.attributes } else { &stored.attributes }.clone(),
            state,
            suspend_time: match state {
                UserState::Suspended => stated.suspend_time.or(stored.suspend_time),
                _ if stated.state => user.suspend_time,
                _ => stored.suspend_time,
            },
            unproven: self.expected_sign_up(stored),
            state_reason: or_stored(&user.state_reason, &stored.state_reason),
            password_change_required: user.password_change_required || stored.password_change_required,
            mfa_enabled: if self.factors.is_empty() { stored.mfa_enabled } else { user.mfa_enabled },
            create_time: stated.create_time.unwrap_or(stored.create_time),
            update_time: stated.update_time.unwrap_or(stored.update_time),
            last_login_time: stored.last_login_time.max(user.last_login_time),
            delete_time: stated.delete_time.or(stored.delete_time),
            purge_time: stated.purge_time.or(stored.purge_time),
            revision: stored.revision,
        }
    }

    fn expected_sign_up(&self, stored: &User) -> Option<UnprovenSignUp> {
        let stated = self.user.unproven.as_ref()?;
        let Some(known) = &stored.unproven else { return Some(stated.clone()) };
        Some(UnprovenSignUp {
            username: stated.username.clone().or_else(|| known.username.clone()),
            // Without a hash the record does not tell: an export of a sign-up that is disputed has none, nor has one without
            // hashes.
            disputed: if self.password_hash.is_some() { stated.disputed } else { known.disputed },
        })
    }
}

/// What is stated, if anything is.
fn or_stored<T: Clone + Default + PartialEq>(stated: &T, stored: &T) -> T {
    if *stated == T::default() { stored.clone() } else { stated.clone() }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;
    use crate::domain::account::attributes::Attributes;
    use crate::domain::account::email::EmailAddress;
    use crate::domain::account::profile::{DisplayName, Locale};
    use crate::domain::account::user::SignUp;
    use crate::domain::account::username::Username;
    use crate::domain::credential::factor::FactorName;
    use crate::domain::credential::factor_record::{RecordedMethod, Seed};

    const THEN: Timestamp = Timestamp::UNIX_EPOCH;

    fn account(id: u8, now: Timestamp) -> User {
        let who = SignUp {
            email: EmailAddress::parse("alice@example.com").unwrap(),
            username: None,
            display_name: DisplayName::default(),
            locale: None,
        };
        User::sign_up(UserId::new(now, &[id; 10]), who, now)
    }

    /// An account with everything that a record can state.
    fn full(id: u8) -> User {
        User {
            display_name: DisplayName::parse("Alice").unwrap(),
            locale: Some(Locale::parse("de").unwrap()),
            attributes: Attributes::new("{\"a\":1}".to_owned()).unwrap(),
            password_change_required: true,
            ..account(id, THEN)
        }
    }

    fn hash(text: &str) -> PasswordHash {
        PasswordHash::new(text.to_owned())
    }

    fn record(stated: Stated) -> UserRecord {
        UserRecord { user: account(1, THEN), stated, password_hash: Some(hash("a")), factors: Vec::new() }
    }

    fn is_stored(record: &UserRecord, stored: &User, text: &str) -> bool {
        record.is_stored_as(stored, Some(&hash(text)), &[])
    }

    #[test]
    fn what_the_record_leaves_open_is_not_compared() {
        let later = THEN + Duration::DAY;
        let stored = account(2, later);
        assert!(is_stored(&record(Stated::default()), &stored, "a"));
        for stated in [
            Stated { id: Some(account(1, THEN).id), ..Stated::default() },
            Stated { create_time: Some(THEN), ..Stated::default() },
            Stated { update_time: Some(THEN), ..Stated::default() },
            Stated { delete_time: Some(THEN), ..Stated::default() },
            Stated { purge_time: Some(THEN), ..Stated::default() },
        ] {
            assert!(!is_stored(&record(stated.clone()), &stored, "a"), "{stated:?}");
        }
    }

    #[test]
    fn what_the_record_says_of_the_person_is_compared() {
        let stated = Stated { state: true, attributes: true, ..Stated::default() };
        let record = UserRecord { user: full(1), ..record(stated) };
        let other = |change: fn(&mut User)| {
            let mut stored = full(2);
            change(&mut stored);
            is_stored(&record, &stored, "a")
        };
        assert!(other(|user| user.revision = 7));
        assert!(!other(|user| user.state = UserState::Active));
        assert!(!other(|user| user.suspend_time = Some(THEN)));
        assert!(!other(|user| user.display_name = DisplayName::parse("Bob").unwrap()));
        assert!(!other(|user| user.locale = None));
        assert!(!other(|user| user.attributes = Attributes::default()));
        assert!(!other(|user| user.password_change_required = false));
        assert!(!other(|user| user.unproven = None));
        assert!(other(|user| user.email = EmailAddress::parse("Alice@EXAMPLE.org").unwrap()));
    }

    #[test]
    fn what_the_record_does_not_state_is_whatever_it_is() {
        let mut record = UserRecord { password_hash: None, ..record(Stated::default()) };
        let mut stored = full(2);
        (stored.unproven, record.user.unproven) = (None, None);
        assert!(is_stored(&record, &stored, "a") && record.is_stored_as(&stored, None, &[]));
        for state in [UserState::Active, UserState::Suspended, UserState::Deleted] {
            (stored.state, stored.suspend_time, stored.delete_time) = (state, Some(THEN), Some(THEN));
            assert!(is_stored(&record, &stored, "a"), "{state:?}");
        }
        stored.email_verified = true;
        stored.username = Some(Username::parse("alice").unwrap());
        assert!(is_stored(&record, &stored, "a"));
        record.user.username = Some(Username::parse("other").unwrap());
        assert!(!is_stored(&record, &stored, "a"));
    }

    #[test]
    fn when_somebody_was_suspended_is_compared_if_the_record_states_it() {
        let suspended = |id, time| User { state: UserState::Suspended, suspend_time: Some(time), ..full(id) };
        let later = THEN + Duration::DAY;
        for (suspend_time, at_another_time) in [(None, true), (Some(THEN), false)] {
            let stated = Stated { state: true, attributes: true, suspend_time, ..Stated::default() };
            let record = UserRecord { user: suspended(1, THEN), ..record(stated) };
            assert!(is_stored(&record, &suspended(2, THEN), "a"));
            assert_eq!(is_stored(&record, &suspended(2, later), "a"), at_another_time, "{suspend_time:?}");
        }
    }

    #[test]
    fn a_sign_up_without_its_hash_does_not_tell_whether_it_is_disputed() {
        let sign_up = |username: Option<&str>, disputed| {
            let username = username.map(|name| Username::parse(name).unwrap());
            Some(UnprovenSignUp { username, disputed })
        };
        let mut record = record(Stated::default());
        let mut stored = account(2, THEN);
        for disputed in [false, true] {
            stored.unproven = sign_up(Some("alice"), disputed);
            (record.user.unproven, record.password_hash) = (sign_up(None, true), None);
            assert!(is_stored(&record, &stored, "a"), "{disputed}");
            (record.user.unproven, record.password_hash) = (sign_up(Some("alice"), false), Some(hash("a")));
            assert_eq!(is_stored(&record, &stored, "a"), !disputed);
            record.user.unproven = sign_up(Some("other"), disputed);
            assert!(!is_stored(&record, &stored, "a"), "{disputed}");
        }
    }

    #[test]
    fn a_hash_may_differ_only_after_a_sign_in() {
        let record = record(Stated::default());
        let mut stored = account(2, THEN);
        assert!(!is_stored(&record, &stored, "b") && !record.is_stored_as(&stored, None, &[]));
        stored.last_login_time = Some(THEN);
        assert!(is_stored(&record, &stored, "a") && is_stored(&record, &stored, "b"));
    }

    #[test]
    fn factors_are_compared_where_the_record_states_any() {
        let factor = |seed| FactorRecord {
            display_name: FactorName::default(),
            method: RecordedMethod::Totp(Seed::new(vec![seed; 20].into())),
            is_disabled: false,
            create_time: None,
            last_used_time: None,
        };
        let mut record = record(Stated::default());
        let mut stored = account(2, THEN);
        stored.mfa_enabled = true;
        assert!(is_stored(&record, &stored, "a"));
        (record.user.mfa_enabled, record.factors) = (true, vec![factor(1)]);
        let with = |factors: &[FactorRecord]| record.is_stored_as(&stored, Some(&hash("a")), factors);
        assert!(with(&[factor(1)]) && !with(&[factor(2)]) && !with(&[]));
    }
}
