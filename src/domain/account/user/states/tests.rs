use proptest::prelude::*;

use super::*;
use crate::domain::account::email::EmailAddress;
use crate::domain::account::profile::Locale;
use crate::domain::account::user::{Changes, ProfileChanges, SignUp};
use crate::domain::account::username::Username;
use crate::domain::id::UserId;

const RETENTION: Duration = Duration::days(30);

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + Duration::seconds(seconds)
}

fn reason(text: &str) -> StateReason {
    StateReason::parse(text).unwrap()
}

fn user() -> User {
    let who = SignUp {
        email: EmailAddress::parse("alice@example.com").unwrap(),
        username: None,
        display_name: DisplayName::default(),
        locale: None,
    };
    User::sign_up(UserId::new(at(0), &[1; 10]), who, at(0))
}

#[test]
fn proving_the_address_opens_the_account_once() {
    let mut user = user();
    let etag = user.etag();
    assert_eq!(user.may_sign_in(UnverifiedSignIn::Refused), Err(SignInRefusal::EmailNotVerified));
    assert_eq!(user.may_sign_in(UnverifiedSignIn::Allowed), Ok(()));
    assert!(user.prove_email(at(1)));
    assert!(!user.prove_email(at(2)));
    assert_eq!((user.state, user.is_provisional(), user.update_time), (UserState::Active, false, at(1)));
    assert_eq!(user.may_sign_in(UnverifiedSignIn::Refused), Ok(()));
    assert_ne!(user.etag(), etag);
}

/// Somebody who signed up with a name of each kind.
fn named() -> User {
    let mut user = user();
    let names = ProfileChanges {
        display_name: Some(DisplayName::parse("Alice").unwrap()),
        username: Some(Some(Username::parse("wonder").unwrap())),
        locale: Some(Some(Locale::parse("de").unwrap())),
        attributes: Some(Attributes::new("{\"a\":1}".to_owned()).unwrap()),
    };
    user.change_profile(names, at(0));
    user
}

#[test]
fn a_password_must_not_be_made_of_any_name_of_the_account() {
    let mut user = named();
    for _ in 0..2 {
        let words = user.words();
        for name in ["alice@example.com", "alice", "wonder", "Alice"] {
            assert!(words.contains(&name), "{name}: {words:?}");
        }
        user.prove_email(at(1));
    }
}

#[test]
fn a_sign_up_reserves_its_username_with_the_proof() {
    let mut user = named();
    assert_eq!((user.username.as_ref(), user.claimed_username().map(Username::as_str)), (None, Some("wonder")));
    user.prove_email(at(1));
    assert_eq!(user.username.as_ref().map(Username::as_str), Some("wonder"));
    assert_eq!(user.display_name.as_str(), "Alice");
}

#[test]
fn the_proof_leaves_nothing_of_a_sign_up_that_may_be_somebody_elses() {
    let disputed = || {
        let mut user = named();
        assert!(!user.is_disputed() && user.dispute(at(1)) && !user.dispute(at(1)) && user.is_disputed());
        user
    };
    let (mut proven, mut recovered, mut vouched) = (disputed(), named(), disputed());
    proven.prove_email(at(2));
    recovered.password_recovered(at(2));
    vouched.administer(Changes { email_verified: Some(true), ..Changes::default() }, at(2)).unwrap();
    for user in [proven, recovered, vouched] {
        assert!(user.username.is_none() && user.claimed_username().is_none() && user.locale.is_none());
        assert_eq!((user.display_name.as_str(), user.attributes.as_json()), ("", "{}"));
        assert!(!user.is_provisional());
    }
    // What others claimed was the old address.
    let mut moved = disputed();
    moved.change_email(EmailAddress::parse("new@example.com").unwrap(), at(2));
    assert_eq!((moved.display_name.as_str(), moved.username.is_some()), ("Alice", true));
    assert!(!moved.dispute(at(3)), "a proven account is nobody else's");
}

#[test]
fn recovering_the_password_proves_the_address_in_one_revision() {
    let mut user = user();
    user.password_recovered(at(1));
    assert_eq!((user.state, user.email_verified, user.revision), (UserState::Active, true, 2));
}

#[test]
fn proving_the_address_does_not_lift_a_suspension() {
    let mut user = user();
    user.suspend(reason("fraud"), at(1)).unwrap();
    user.prove_email(at(2));
    assert_eq!(user.state, UserState::Suspended);
    assert_eq!(user.may_sign_in(UnverifiedSignIn::Allowed), Err(SignInRefusal::Disabled));
    assert!(!user.keeps_sessions() && !user.can_recover());
    user.activate(reason("a mistake"), at(3)).unwrap();
    assert_eq!((user.state, user.state_reason.as_str()), (UserState::Active, "a mistake"));
}

#[test]
fn a_deleted_account_is_unknown_and_a_demanded_change_comes_last() {
    let mut user = user();
    user.require_password_change(at(1)).unwrap();
    assert_eq!(user.may_sign_in(UnverifiedSignIn::Refused), Err(SignInRefusal::EmailNotVerified));
    user.prove_email(at(1));
    assert_eq!(user.may_sign_in(UnverifiedSignIn::Refused), Err(SignInRefusal::PasswordChangeRequired));
    user.password_replaced(at(1));
    assert_eq!(user.may_sign_in(UnverifiedSignIn::Refused), Ok(()));
    assert!(user.can_recover());
    assert_eq!(user.require_deleted(), Err(StateForbids(UserState::Active)));
    user.delete(RETENTION, at(1)).unwrap();
    assert_eq!(user.may_sign_in(UnverifiedSignIn::Refused), Err(SignInRefusal::Unknown));
    assert!(!user.can_recover());
    assert_eq!(user.require_deleted(), Ok(()));
}

#[test]
fn what_an_operator_provisions_belongs_to_somebody() {
    for (vouched, state) in [(false, UserState::Pending), (true, UserState::Active)] {
        let User { email, display_name, locale, .. } = user();
        let username = Some(Username::parse("wonder").unwrap());
        let who = SignUp { email, username: username.clone(), display_name, locale };
        let user = User::provision(user().id, who, vouched, at(0));
        assert_eq!((user.state, user.email_verified, user.is_provisional()), (state, vouched, false));
        assert_eq!(user.username, username, "nobody else can want the name any more");
    }
    assert!(user().is_provisional());
}

#[test]
fn a_new_address_is_unproven_unless_vouched_for() {
    let changed = |email: &str, email_verified| {
        let mut user = user();
        user.prove_email(at(1));
        let email = Some(EmailAddress::parse(email).unwrap());
        user.administer(Changes { email, email_verified, ..Changes::default() }, at(2)).unwrap();
        (user.email.written().to_owned(), user.state)
    };
    assert_eq!(changed("new@example.com", None), ("new@example.com".to_owned(), UserState::Pending));
    assert_eq!(changed("new@example.com", Some(true)), ("new@example.com".to_owned(), UserState::Active));
    assert_eq!(changed("ALICE@example.com", None), ("ALICE@example.com".to_owned(), UserState::Active));
    assert_eq!(changed("alice@example.com", Some(false)).1, UserState::Pending);
}

/// Something that happens to an account.
#[derive(Debug, Clone, Copy)]
enum Step {
    Prove,
    Recover,
    Move,
    Vouch(bool),
    Demand,
    Suspend,
    Activate,
    Delete,
    Undelete,
}

impl Step {
    fn any() -> impl Strategy<Value = Self> {
        prop_oneof![
            Just(Self::Prove),
            Just(Self::Recover),
            Just(Self::Move),
            any::<bool>().prop_map(Self::Vouch),
            Just(Self::Demand),
            Just(Self::Suspend),
            Just(Self::Activate),
            Just(Self::Delete),
            Just(Self::Undelete),
        ]
    }

    /// The states in which it may happen.
    fn is_allowed(self, state: UserState) -> bool {
        match self {
            Self::Prove | Self::Recover => true,
            Self::Move | Self::Vouch(_) | Self::Demand | Self::Delete => state != UserState::Deleted,
            Self::Suspend => matches!(state, UserState::Pending | UserState::Active),
            Self::Activate => state == UserState::Suspended,
            Self::Undelete => state == UserState::Deleted,
        }
    }

    /// Has it happen. Whether anything changed, and the refusal, if it was refused.
    fn happen(self, user: &mut User, now: Timestamp) -> Result<bool, StateForbids> {
        let moved = |number: i64| EmailAddress::parse(&format!("alice{number}@example.com")).ok();
        match self {
            Self::Prove => return Ok(user.prove_email(now)),
            Self::Recover => user.password_recovered(now),
            Self::Move => {
                let email = moved(now.unix_timestamp());
                user.administer(Changes { email, ..Changes::default() }, now)?;
            }
            Self::Vouch(is_proven) => {
                user.administer(Changes { email_verified: Some(is_proven), ..Changes::default() }, now)?;
            }
            Self::Demand => user.require_password_change(now)?,
            Self::Suspend => user.suspend(reason("suspended"), now)?,
            Self::Activate => user.activate(reason("activated"), now)?,
            Self::Delete => user.delete(RETENTION, now)?,
            Self::Undelete => user.undelete(now)?,
        }
        Ok(true)
    }
}

/// What holds of an account whatever happened to it.
fn check_invariants(user: &User) {
    let is_deleted = user.state == UserState::Deleted;
    assert_eq!(is_deleted, user.delete_time.is_some());
    assert_eq!(user.purge_time, user.delete_time.map(|time| time + RETENTION));
    assert!(user.suspend_time.is_some() || user.state != UserState::Suspended);
    assert!(is_deleted || user.suspend_time.is_some() == (user.state == UserState::Suspended));
    assert!(user.email_verified || user.state != UserState::Active);
    assert!(!user.email_verified || user.state != UserState::Pending);
    assert!(!(user.is_provisional() && user.email_verified), "nobody takes the place of a proven account");
    let may_sign_in = user.may_sign_in(UnverifiedSignIn::Allowed);
    assert_eq!(may_sign_in.is_ok(), user.keeps_sessions() && !user.password_change_required);
}

proptest! {
    #[test]
    fn any_order_of_steps_keeps_the_invariants(steps in prop::collection::vec(Step::any(), 0..40)) {
        let mut user = user();
        for (second, step) in (1..).zip(steps) {
            let before = user.clone();
            let outcome = step.happen(&mut user, at(second));
            check_invariants(&user);
            prop_assert_eq!(outcome.is_ok(), step.is_allowed(before.state), "{:?} of {:?}", step, before);
            if let Ok(true) = outcome {
                prop_assert_eq!((user.revision, user.update_time), (before.revision + 1, at(second)));
            } else {
                prop_assert!(outcome.is_ok() || outcome == Err(StateForbids(before.state)));
                prop_assert_eq!(&user, &before);
            }
        }
    }

    #[test]
    fn undeleting_gives_back_what_was_deleted(steps in prop::collection::vec(Step::any(), 0..20)) {
        let mut user = user();
        for (second, step) in (1..).zip(steps) {
            let _ = step.happen(&mut user, at(second));
        }
        let before = user.clone();
        if user.delete(RETENTION, at(50)).is_ok() {
            user.undelete(at(60)).unwrap();
            let restored = User { update_time: at(60), revision: before.revision + 2, ..before };
            prop_assert_eq!(user, restored);
        }
    }
}
