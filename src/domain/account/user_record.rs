//! People as they come from another system, or from another installation.

use super::user::{User, UserState};
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
    /// Whether a stored account is what taking the record in has made of it before. Sign-ins since then do not count,
    /// nor does the hash that they have replaced by a stronger one. Second factors count if the record states any: those of
    /// the account are only needed then.
    #[must_use]
    pub fn is_stored_as(&self, stored: &User, hash: Option<&PasswordHash>, factors: &[FactorRecord]) -> bool {
        let states_factors = !self.factors.is_empty();
        let signed_in_since = stored.last_login_time > self.user.last_login_time;
        let expected = User {
            id: self.stated.id.unwrap_or(stored.id),
            create_time: self.stated.create_time.unwrap_or(stored.create_time),
            update_time: self.stated.update_time.unwrap_or(stored.update_time),
            suspend_time: match self.user.state {
                UserState::Suspended => self.stated.suspend_time.or(stored.suspend_time),
                _ => self.user.suspend_time,
            },
            delete_time: self.stated.delete_time.or(stored.delete_time),
            purge_time: self.stated.purge_time.or(stored.purge_time),
            last_login_time: stored.last_login_time.max(self.user.last_login_time),
            revision: stored.revision,
            mfa_enabled: if states_factors { self.user.mfa_enabled } else { stored.mfa_enabled },
            ..self.user.clone()
        };
        expected == *stored
            && (hash == self.password_hash.as_ref() || signed_in_since)
            && (!states_factors || factor_record::are_stored_as(&self.factors, factors))
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;
    use crate::domain::account::email::EmailAddress;
    use crate::domain::account::profile::DisplayName;
    use crate::domain::account::user::SignUp;
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
        let record = record(Stated::default());
        let other = |change: fn(&mut User)| {
            let mut stored = account(2, THEN);
            change(&mut stored);
            is_stored(&record, &stored, "a")
        };
        assert!(other(|user| user.revision = 7));
        assert!(!other(|user| user.email_verified = true));
        assert!(!other(|user| user.state = UserState::Active));
        assert!(!other(|user| user.suspend_time = Some(THEN)));
        assert!(!other(|user| user.display_name = DisplayName::parse("Alice").unwrap()));
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
