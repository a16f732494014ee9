//! What becomes of moments of the future, and that nothing else is touched.

use std::collections::BTreeMap;
use std::ffi::OsString;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ipse::application::jobs::JobKind;
use ipse::application::policy::Policy;
use ipse::application::ports::{Job, JobWaits, Lease, Misdated};
use ipse::config::{LoadOptions, Settings};
use ipse::domain::Timestamp;
use ipse::domain::access::change::{AccessChange, TokenMarks};
use ipse::domain::account::user::User;
use ipse::domain::credential::throttle::{SlowDown, Throttle, ThrottleKey};
use ipse::domain::id::TokenId;
use ipse::domain::secret::SecretKey;
use ipse::domain::session::Session;
use ipse::domain::token::action_token::{ActionPurpose, ActionToken};
use time::Duration;

use super::Fixture;
use super::jobs::{enqueue, job};
use super::samples::{at, challenge, digest, factor_id, lease_id, session, totp, user};
use crate::support::on_both_backends;
use crate::support::world::MASTER_KEY;

on_both_backends! {
    Fixture::new =>
    counters_count_as_a_minute_old
    mailed_tokens_last_for_their_time_from_now_on
    challenges_of_the_future_are_void
    the_code_of_the_future_alone_is_barred
    jobs_wait_as_long_as_their_kind_does
    a_job_in_the_hands_of_a_worker_is_left_to_it
    sessions_are_shortened_and_those_of_the_present_are_not
    data_of_deleted_accounts_is_kept_from_now_on
    what_clocks_may_differ_by_is_left_alone
    what_was_brought_back_by_a_clock_that_was_behind_counts_anew
}

const AHEAD: Duration = Duration::days(400);
const WAITS: JobWaits = JobWaits {
    kind: "kind",
    usual: Duration::ZERO,
    longest: Duration::minutes(30),
    lease: Duration::minutes(5),
    give_up_after: Some(Duration::DAY),
};

/// The defaults of production.
fn policy() -> Policy {
    let key = STANDARD.encode(MASTER_KEY);
    let settings = BTreeMap::from([
        ("IPSE_DATABASE_URL", "sqlite:ipse.db"),
        ("IPSE_MASTER_KEY", &key),
        ("IPSE_ISSUER", "https://id.example"),
        ("IPSE_PLAINTEXT", "true"),
        ("IPSE_SMTP_URL", "smtps://mail.example"),
        ("IPSE_MAIL_FROM", "ipse@id.example"),
    ]);
    let environment = settings.into_iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect();
    Settings::load(LoadOptions { environment, ..LoadOptions::default() }).unwrap().policy
}

fn now() -> Timestamp {
    at(1_000_000)
}

async fn bring_back(fixture: &Fixture) -> usize {
    bring_back_to(fixture, Misdated::future(now()), now()).await
}

async fn bring_back_to(fixture: &Fixture, misdated: Misdated, now: Timestamp) -> usize {
    let tx = fixture.write().await;
    let count = tx.clock_corrections().bring_back(&policy(), misdated, now).await.unwrap();
    tx.commit().await.unwrap();
    count
}

async fn bring_jobs_back(fixture: &Fixture, waits: JobWaits) -> usize {
    bring_jobs_back_to(fixture, waits, Misdated::future(now()), now()).await
}

async fn bring_jobs_back_to(fixture: &Fixture, waits: JobWaits, misdated: Misdated, now: Timestamp) -> usize {
    let tx = fixture.write().await;
    let count = tx.clock_corrections().bring_jobs_back(&[waits], misdated, now).await.unwrap();
    tx.commit().await.unwrap();
    count
}

async fn shorten(fixture: &Fixture) -> usize {
    let tx = fixture.write().await;
    let count = tx.clock_corrections().shorten(&policy(), now()).await.unwrap();
    tx.commit().await.unwrap();
    count
}

/// Counts without waiting times, and forgets nothing.
const COUNT: SlowDown =
    SlowDown { first_delayed: 1000, longest_delay: Duration::hours(1), forget_after: Duration::days(10_000) };

fn key(number: u32) -> ThrottleKey {
    ThrottleKey::mail(&SecretKey::new([7; 32]), "test", &number.to_string())
}

async fn counters_count_as_a_minute_old(fixture: Fixture) {
    let past = now() - Duration::hours(2);
    for (number, times) in [(1, [now() + AHEAD, now() + AHEAD]), (2, [past, now() + AHEAD]), (3, [past, past])] {
        let tx = fixture.write().await;
        for time in times {
            assert!(tx.throttles().count_attempt(&key(number), &COUNT, time).await.unwrap());
        }
        tx.commit().await.unwrap();
    }
    assert_eq!(bring_back(&fixture).await, 2);
    let minute_ago = now() - Duration::MINUTE;
    let tx = fixture.read().await;
    for (number, first_time, last_time) in [(1, minute_ago, minute_ago), (2, past, minute_ago), (3, past, past)] {
        let stored = tx.throttles().find_throttle(&key(number)).await.unwrap();
        assert_eq!(stored, Some(Throttle { count: 2, first_time, last_time }), "{number}");
    }
}

async fn mailed_tokens_last_for_their_time_from_now_on(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    let token = |number, purpose, create_time: Timestamp, lasts| ActionToken {
        user_id: user(1).id,
        purpose,
        new_email: None,
        digest: digest(number),
        create_time,
        expire_time: create_time + lasts,
    };
    let tx = fixture.write().await;
    let ahead = token(1, ActionPurpose::ResetPassword, now() + AHEAD, Duration::HOUR);
    let present = token(2, ActionPurpose::AcceptInvitation, now(), Duration::days(7));
    for token in [&ahead, &present] {
        tx.action_tokens().put_action_token(token).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(bring_back(&fixture).await, 1);
    let pending = fixture.read().await.action_tokens().pending_action_tokens(user(1).id).await.unwrap();
    let times: Vec<_> = pending.iter().map(|token| (token.purpose, token.create_time, token.expire_time)).collect();
    assert!(times.contains(&(ActionPurpose::ResetPassword, now(), now() + Duration::HOUR)), "{times:?}");
    assert!(times.contains(&(ActionPurpose::AcceptInvitation, now(), now() + Duration::days(7))), "{times:?}");
}

async fn challenges_of_the_future_are_void(fixture: Fixture) {
    let until = |number, time| ipse::domain::session::challenge::Challenge {
        user_id: None,
        session_id: None,
        create_time: time - Duration::minutes(5),
        expire_time: time,
        ..challenge(number)
    };
    fixture.put_challenges(&[until(1, now() + AHEAD), until(2, now() + Duration::minutes(5))]).await;
    assert_eq!(bring_back(&fixture).await, 1);
    assert_eq!(fixture.count("challenges").await, 1);
}

async fn the_code_of_the_future_alone_is_barred(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    fixture.put_factors(&[totp(&user(1), 1)]).await;
    let step = now().unix_timestamp() / 30;
    let take = async |step, time| {
        let tx = fixture.write().await;
        let taken = tx.factors().take_totp_step(factor_id(1), step, time).await.unwrap();
        tx.commit().await.unwrap();
        taken
    };
    assert!(take(step + 1000, now() + AHEAD).await);
    assert!(!take(step, now()).await);
    assert_eq!(bring_back(&fixture).await, 1);
    assert!(take(step, now()).await && !take(step, now()).await);
    for later in [999, 1001] {
        assert!(!take(step + 1000, now()).await, "for ever");
        assert!(take(step + later, now()).await);
    }
    assert_eq!(bring_back(&fixture).await, 1);
}

async fn next_run_time(fixture: &Fixture) -> Option<Timestamp> {
    fixture.read().await.jobs().next_run_time(super::jobs::LANE).await.unwrap()
}

async fn jobs_wait_as_long_as_their_kind_does(fixture: Fixture) {
    let made =
        |create_time, run_time| Job { create_time, run_time, give_up_time: Some(run_time + Duration::DAY), ..job(1) };
    let hour = Duration::HOUR;
    for (job, waits, run_time) in [
        (made(now() + AHEAD, now() + AHEAD), WAITS, now()),
        (made(now() - hour, now() + hour), WAITS, now()),
        (made(now() - hour, now() + Duration::minutes(30)), WAITS, now() + Duration::minutes(30)),
        (made(now() + AHEAD, now() + AHEAD + hour), JobWaits { usual: hour, longest: hour, ..WAITS }, now() + hour),
    ] {
        enqueue(&fixture, [job]).await;
        bring_jobs_back(&fixture, waits).await;
        assert_eq!(next_run_time(&fixture).await, Some(run_time));
        let tx = fixture.write().await;
        let lease = Lease { id: lease_id(1), begin: now() + AHEAD * 2, end: now() + AHEAD * 2 };
        let [claimed] = &tx.jobs().claim_jobs(super::jobs::LANE, &lease, 9).await.unwrap()[..] else {
            panic!("one job")
        };
        assert!(claimed.create_time <= now() && claimed.give_up_time.unwrap() <= now() + Duration::DAY + hour);
        tx.jobs().finish_job(super::jobs::claim_of(1, 1)).await.unwrap();
        tx.commit().await.unwrap();
    }
    assert!(JobKind::ALL.iter().all(|kind| kind.period().is_none_or(|period| period <= Duration::minutes(10))));
}

async fn a_job_in_the_hands_of_a_worker_is_left_to_it(fixture: Fixture) {
    enqueue(&fixture, [Job { create_time: now(), run_time: now(), ..job(1) }]).await;
    let tx = fixture.write().await;
    let lease = Lease { id: lease_id(1), begin: now() + AHEAD, end: now() + AHEAD + Duration::minutes(5) };
    tx.jobs().claim_jobs(super::jobs::LANE, &lease, 1).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(bring_jobs_back(&fixture, WAITS).await, 1);
    assert_eq!(next_run_time(&fixture).await, Some(now() + Duration::minutes(5)));
}

async fn sessions_are_shortened_and_those_of_the_present_are_not(fixture: Fixture) {
    let owner = user(1);
    fixture.put_users(std::slice::from_ref(&owner)).await;
    let begun = |number, create_time: Timestamp, seen: Timestamp| Session {
        create_time,
        last_seen_time: seen,
        expire_time: create_time + Duration::days(30),
        idle_expire_time: seen + Duration::days(14),
        end: None,
        ..session(&owner, number)
    };
    let present = begun(3, now(), now());
    fixture
        .put_sessions(&[
            begun(1, now() + AHEAD, now() + AHEAD),
            begun(2, now(), now() + Duration::hours(2)),
            present.clone(),
        ])
        .await;
    assert_eq!(shorten(&fixture).await, 2);
    assert_eq!(shorten(&fixture).await, 0);
    let tx = fixture.read().await;
    for number in [1, 2] {
        let stored = tx.sessions().find_session(session(&owner, number).id).await.unwrap().unwrap();
        assert_eq!((stored.create_time, stored.last_seen_time), (now(), now()), "{number}");
        assert_eq!(stored.expire_time, now() + Duration::days(30));
        assert_eq!(stored.idle_expire_time, now() + Duration::days(14));
        assert_eq!(stored.aal2_expire_time, None);
    }
    assert_eq!(tx.sessions().find_session(present.id).await.unwrap(), Some(present));
}

async fn data_of_deleted_accounts_is_kept_from_now_on(fixture: Fixture) {
    let deleted =
        |number, time: Timestamp, kept| User { delete_time: Some(time), purge_time: Some(time + kept), ..user(number) };
    let month = Duration::days(30);
    // The second was deleted when the setting was another one.
    fixture.put_users(&[deleted(1, now() + AHEAD, month), deleted(2, now() - month, month * 3)]).await;
    assert_eq!(shorten(&fixture).await, 1);
    let tx = fixture.read().await;
    for (number, purge_time) in [(1, now() + month), (2, now() + month * 2)] {
        let stored = tx.users().find_user(user(number).id).await.unwrap().unwrap();
        assert_eq!(stored.purge_time, Some(purge_time), "{number}");
    }
}

async fn what_clocks_may_differ_by_is_left_alone(fixture: Fixture) {
    let soon = now() + Duration::MINUTE;
    let tx = fixture.write().await;
    assert!(tx.throttles().count_attempt(&key(1), &COUNT, soon).await.unwrap());
    tx.commit().await.unwrap();
    enqueue(&fixture, [Job { create_time: soon, run_time: soon, ..job(1) }]).await;
    assert_eq!(
        (bring_back(&fixture).await, bring_jobs_back(&fixture, WAITS).await, shorten(&fixture).await),
        (0, 0, 0)
    );
    assert_eq!(fixture.read().await.throttles().find_throttle(&key(1)).await.unwrap().unwrap().last_time, soon);
    assert_eq!(next_run_time(&fixture).await, Some(soon));
}

/// A clock that starts an hour behind, and is set.
async fn what_was_brought_back_by_a_clock_that_was_behind_counts_anew(fixture: Fixture) {
    let (behind, day) = (now() - Duration::HOUR, Duration::DAY);
    let subject = uuid::Uuid::from_u128(1);
    let revoked = AccessChange::Subject { id: subject, revoked_before: now() };
    let tx = fixture.write().await;
    tx.access_changes().insert_access_changes(&[revoked], now()).await.unwrap();
    tx.commit().await.unwrap();
    let waits = JobWaits { usual: day, longest: day, ..WAITS };
    let due = now() + day;
    enqueue(&fixture, [Job { create_time: now(), run_time: due, give_up_time: Some(due), ..job(1) }]).await;
    assert_eq!(fixture.read().await.clock_corrections().latest_moment().await.unwrap(), Some(now()));

    bring_back_to(&fixture, Misdated::future(behind), behind).await;
    bring_jobs_back_to(&fixture, waits, Misdated::future(behind), behind).await;
    assert_eq!(fixture.read().await.clock_corrections().latest_moment().await.unwrap(), Some(behind));
    assert_eq!(next_run_time(&fixture).await, Some(behind + day));

    let set = now() + Duration::MINUTE;
    let misdated = Misdated::brought_back_to(behind);
    assert_eq!(bring_back_to(&fixture, misdated, set).await, 1);
    assert_eq!(bring_jobs_back_to(&fixture, waits, misdated, set).await, 1);
    assert_eq!(next_run_time(&fixture).await, Some(set + day));
    let tx = fixture.write().await;
    assert_eq!(tx.access_changes().purge_access_changes(set + Duration::HOUR, 9).await.unwrap(), 0);
    let token = TokenMarks {
        sid: uuid::Uuid::from_u128(2),
        subject,
        issue_time: now() - Duration::MINUTE,
        token_id: TokenId::from_uuid(uuid::Uuid::from_u128(3)),
        key_id: "k",
    };
    assert!(tx.access_changes().is_void(&token).await.unwrap());
}
