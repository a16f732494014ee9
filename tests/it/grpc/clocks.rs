//! What becomes of moments that were stored while the clock was wrong.

use ipse::application::jobs::Lane;
use ipse::domain::Timestamp;
use ipse::proto::ApiKey;
use ipse::proto::ErrorReason::{
    ActionTokenInvalid, CredentialsInvalid, MfaCodeInvalid, RateLimited, RefreshTokenInvalid, StepUpRequired,
    TokenInvalid,
};
use ipse::proto::SigningKeyState::{Active, Published};
use ipse::proto::complete_mfa_request::Proof;
use time::Duration;

use crate::support::custodian::{Custodian, new_key};
use crate::support::key_holder::{KeyHolder, keys, signer};
use crate::support::letterbox::Service;
use crate::support::on_both_backends;
use crate::support::person::{Device, Person};
use crate::support::refusal::{reason, refusal};
use crate::support::registrar::Registrar;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    nobody_waits_longer_than_a_rule_says
    an_hours_wait_is_an_hours_from_now_on
    mail_that_was_asked_for_ahead_of_time_can_be_asked_for_again
    a_mailed_token_is_good_for_its_time_from_now_on
    a_session_lasts_no_longer_than_from_now_on
    a_sign_in_of_the_future_is_never_fresh
    jobs_that_wait_for_the_future_are_done
    the_key_that_signed_ahead_of_time_is_replaced
    a_key_of_the_future_is_dropped
    an_api_key_is_good_for_a_year_from_now_on
    an_app_can_be_used_again_and_no_code_twice
    an_answer_is_repeated_for_a_day_from_now_on
    who_was_turned_away_ahead_of_time_may_come_back
    a_removal_of_factors_waits_its_time_from_now_on
    a_deleted_account_is_kept_for_its_time_from_now_on
    steps_of_an_hour_lock_nobody_out
    a_restart_finds_what_another_clock_left
}

/// How far a clock is ahead: by more than any rule reckons with, by more than most, by as much as some, by little.
const AHEAD: [Duration; 4] = [Duration::days(400), Duration::hours(2), Duration::hours(1), Duration::minutes(2)];

/// Does something for each clock that is ahead, with somebody of that clock's own.
macro_rules! for_each_clock {
    ($world:ident, $person:ident, $ahead:ident => $body:block) => {
        for (number, $ahead) in AHEAD.into_iter().enumerate() {
            let $person = $world.person(&format!("alice{number}")).await;
            $body
            // What one round left is no matter of the next.
            $world.wait(Duration::days(2));
        }
    };
}

/// How long the next sign-in has to wait.
async fn wait_of(person: &Person<'_>) -> Duration {
    match person.log_in().await {
        Ok(_) => Duration::ZERO,
        Err(status) => {
            let refusal = refusal(Err::<(), _>(status));
            assert_eq!(refusal.reason, RateLimited);
            refusal.retry_after.unwrap().try_into().unwrap()
        }
    }
}

fn time(stamp: Option<prost_types::Timestamp>) -> Timestamp {
    Timestamp::from_unix_timestamp(stamp.unwrap().seconds).unwrap()
}

pub(super) async fn do_upkeep(world: &World) {
    world.replica().jobs.look_over().await.unwrap();
    while world.replica().jobs.run_next(Lane::Upkeep).await.unwrap() {}
}

async fn nobody_waits_longer_than_a_rule_says(world: World) {
    for_each_clock!(world, alice, ahead => {
        world.wait(ahead);
        for _ in 0..6 {
            assert!(matches!(reason(alice.guess().await), CredentialsInvalid | RateLimited));
        }
        world.wait(-ahead);
        assert!(wait_of(&alice).await <= Duration::seconds(2));
        world.wait(Duration::hours(1));
        alice.log_in().await.unwrap();
    });
}

async fn an_hours_wait_is_an_hours_from_now_on(world: World) {
    let alice = world.person("alice").await;
    world.wait(AHEAD[0]);
    for _ in 0..18 {
        world.wait(Duration::hours(1));
        assert_eq!(reason(alice.guess().await), CredentialsInvalid);
    }
    world.wait(-AHEAD[0] - Duration::hours(18));
    let wait = wait_of(&alice).await;
    assert!(wait > Duration::minutes(50) && wait <= Duration::hours(1), "{wait}");
    world.wait(Duration::hours(1));
    alice.log_in().await.unwrap();
}

async fn mail_that_was_asked_for_ahead_of_time_can_be_asked_for_again(world: World) {
    for_each_clock!(world, alice, ahead => {
        world.wait(ahead);
        for _ in 0..5 {
            alice.request_reset().await.unwrap();
            assert_eq!(alice.mail_kinds().await, ["reset_password"]);
            world.wait(Duration::minutes(1));
        }
        world.wait(-ahead - Duration::minutes(5));
        alice.request_reset().await.unwrap();
        world.wait(Duration::hours(1));
        alice.request_reset().await.unwrap();
        assert!(alice.mail_kinds().await.contains(&"reset_password"));
    });
}

async fn a_mailed_token_is_good_for_its_time_from_now_on(world: World) {
    for_each_clock!(world, alice, ahead => {
        for (wait, is_good) in [(Duration::minutes(59), true), (Duration::minutes(62), false), (ahead, ahead < Duration::HOUR)] {
            world.wait(Duration::hours(1));
            world.wait(ahead);
            alice.request_reset().await.unwrap();
            let token = alice.mailed_token().await;
            world.wait(-ahead);
            alice.log_in().await.unwrap();
            let seen = wait.whole_minutes().min(11);
            for _ in 0..seen {
                world.wait(Duration::MINUTE);
                keys(&world.replica().channel).await;
            }
            world.wait(wait - Duration::minutes(seen));
            let outcome = alice.reset(&token, &alice.password).await;
            if is_good {
                outcome.unwrap();
            } else {
                assert_eq!(reason(outcome), ActionTokenInvalid, "{ahead} {wait}");
            }
            alice.mails().await;
        }
    });
}

async fn a_session_lasts_no_longer_than_from_now_on(world: World) {
    for_each_clock!(world, alice, ahead => {
        world.wait(ahead);
        let (phone, laptop) = (alice.log_in().await.unwrap(), alice.log_in().await.unwrap());
        world.wait(-ahead);
        assert_eq!(reason(phone.me().await), TokenInvalid, "a token of the future");
        let phone = phone.refresh().await.unwrap();
        let session = phone.me().await.unwrap().session.unwrap();
        assert!(time(session.expire_time) <= world.now() + Duration::days(30));
        assert!(time(session.idle_expire_time) <= world.now() + Duration::days(14));
        do_upkeep(&world).await;
        world.wait(Duration::minutes(20));
        do_upkeep(&world).await;
        world.wait(Duration::days(14));
        assert_eq!(reason(laptop.refresh().await), RefreshTokenInvalid);
        assert_eq!(reason(phone.refresh().await), RefreshTokenInvalid);
    });
}

async fn a_sign_in_of_the_future_is_never_fresh(world: World) {
    for_each_clock!(world, alice, ahead => {
        world.wait(ahead);
        let phone = alice.log_in().await.unwrap();
        world.wait(-ahead);
        let phone = phone.refresh().await.unwrap();
        phone.me().await.unwrap();
        assert_eq!(reason(phone.change_email("other@example.com").await), StepUpRequired);
        world.wait(ahead.min(Duration::hours(2)));
        let phone = phone.refresh().await.unwrap();
        assert_eq!(reason(phone.change_email("other@example.com").await), StepUpRequired);
    });
}

async fn jobs_that_wait_for_the_future_are_done(world: World) {
    for_each_clock!(world, alice, ahead => {
        do_upkeep(&world).await;
        world.letterbox.set(Service::Closed);
        world.wait(ahead);
        alice.request_reset().await.unwrap();
        for pause in [0, 5, 10, 20, 40] {
            world.wait(Duration::seconds(pause));
            world.deliver_mail().await;
        }
        do_upkeep(&world).await;
        world.letterbox.set(Service::Open);
        world.wait(-ahead - Duration::seconds(75));
        let _ = alice.guess().await;
        assert_eq!(alice.mail_kinds().await, ["reset_password"]);
        world.wait(Duration::minutes(10));
        assert!(world.replica().jobs.run_next(Lane::Upkeep).await.unwrap(), "upkeep is due");
        assert!(world.replica().jobs.run_next(Lane::Upkeep).await.unwrap(), "both kinds of it");
        assert!(!world.replica().jobs.run_next(Lane::Upkeep).await.unwrap());
    });
}

async fn the_key_that_signed_ahead_of_time_is_replaced(world: World) {
    let channel = world.replica().channel.clone();
    let first = signer(&channel).await;
    let alice = world.person("alice").await;
    world.wait(Duration::hours(2));
    let phone = alice.log_in().await.unwrap();
    world.wait(-Duration::hours(2));
    assert_eq!(reason(phone.me().await), TokenInvalid);
    let states: Vec<_> = keys(&channel).await.iter().map(ipse::proto::SigningKey::state).collect();
    assert_eq!(states, [Published, Active], "a successor, after the usual lead");
    assert_eq!(signer(&channel).await.kid, first.kid);
    world.wait(Duration::minutes(15));
    assert_ne!(signer(&channel).await.kid, first.kid);
    // The token of the future is void when its time comes.
    world.wait(Duration::minutes(106));
    assert_eq!(reason(phone.me().await), TokenInvalid);
    phone.refresh().await.unwrap().me().await.unwrap();
}

async fn a_key_of_the_future_is_dropped(world: World) {
    let channel = world.replica().channel.clone();
    let alice = world.person("alice").await;
    world.wait(Duration::days(400));
    world.replica().keys.rotate_when_due().await.unwrap();
    world.wait(Duration::minutes(16));
    let ahead = signer(&channel).await;
    alice.log_in().await.unwrap();
    world.wait(-Duration::days(400) - Duration::minutes(16));
    alice.log_in().await.unwrap().me().await.unwrap();
    let listed = keys(&channel).await;
    assert!(listed.iter().all(|key| key.kid != ahead.kid), "nobody is told of it any more");
    for key in listed {
        assert!(time(key.create_time) <= world.now());
        assert!(time(key.activate_time) <= world.now() + Duration::minutes(15));
    }
    // The schedule goes on from now.
    let count = keys(&channel).await.len();
    world.wait(Duration::days(91));
    world.replica().keys.rotate_when_due().await.unwrap();
    assert!(keys(&channel).await.len() >= count.min(2));
    alice.log_in().await.unwrap().me().await.unwrap();
}

async fn an_api_key_is_good_for_a_year_from_now_on(world: World) {
    world.wait(Duration::days(400));
    let later = Custodian(world.person_with_role("later", "administrator").await);
    let account = later.create("robot").await.unwrap();
    let end = prost_types::Timestamp { seconds: (world.now() + Duration::days(366)).unix_timestamp(), nanos: 0 };
    let key = ApiKey { expire_time: Some(end), ..new_key(&account.id, &[]) };
    later.create_key_as("", key).await.unwrap();
    world.wait(-Duration::days(400));
    let now = Custodian(world.person_with_role("now", "administrator").await);
    do_upkeep(&world).await;
    let listed = now.keys(&account.id, 10, "").await.unwrap().api_keys;
    assert_eq!(listed.len(), 1);
    assert!(time(listed[0].expire_time) <= world.now() + Duration::days(366));
}

async fn an_app_can_be_used_again_and_no_code_twice(world: World) {
    for_each_clock!(world, alice, ahead => {
        let app = alice.log_in().await.unwrap().enrol_app().await.unwrap().app;
        world.wait(ahead);
        alice.log_in_with_app(&app).await.unwrap();
        let taken = Proof::TotpCode(app.code(world.now()));
        world.wait(-ahead);
        alice.log_in_with_app(&app).await.unwrap();
        let again = Proof::TotpCode(app.code(world.now()));
        assert_eq!(reason(alice.answer(&alice.challenge().await, again).await), MfaCodeInvalid);
        world.wait(ahead - Duration::seconds(30));
        let outcome = alice.answer(&alice.challenge().await, taken).await;
        assert_eq!(reason(outcome), MfaCodeInvalid, "{ahead}: its step is the present one again");
        alice.log_in_with_app(&app).await.unwrap();
    });
}

async fn an_answer_is_repeated_for_a_day_from_now_on(world: World) {
    const ID: &str = "0b0e7b4e-8c1a-4d5e-9f10-222222222222";
    let holder = KeyHolder::new(&world).await;
    world.wait(Duration::days(400));
    holder.rotate_as(ID, "").await.unwrap();
    world.wait(-Duration::days(400));
    assert_eq!(reason(world.stranger("bob").guess().await), CredentialsInvalid);
    world.wait(Duration::hours(24) + Duration::seconds(1));
    world.purge().await;
    assert_eq!(world.count("answered_requests").await, 0);
}

async fn who_was_turned_away_ahead_of_time_may_come_back(world: World) {
    for_each_clock!(world, alice, ahead => {
        world.wait(ahead);
        let root = world.person_with_role(&format!("root{}", ahead.whole_minutes()), "administrator").await;
        let registrar = Registrar(root);
        let id = registrar.look_up(&alice).await.id;
        registrar.suspend(&id, "").await.unwrap();
        registrar.activate(&id, "").await.unwrap();
        world.look().await;
        world.wait(-ahead);
        let _ = alice.guess().await;
        world.look().await;
        world.wait(Duration::minutes(2));
        world.look().await;
        alice.log_in().await.unwrap().me().await.unwrap();
    });
}

async fn a_removal_of_factors_waits_its_time_from_now_on(world: World) {
    let alice = world.person("alice").await;
    alice.log_in().await.unwrap().enrol_app().await.unwrap();
    world.wait(Duration::days(400));
    let root = world.person_with_role("later", "administrator").await;
    let registrar = Registrar(root);
    let id = registrar.look_up(&alice).await.id;
    let ordered = registrar.reset_factors(&id, "lost").await.unwrap();
    let delay = time(ordered) - world.now();
    world.wait(-Duration::days(400));
    let _ = alice.guess().await;
    world.wait(delay - Duration::minutes(1));
    world.do_jobs().await;
    alice.challenge().await;
    world.wait(Duration::minutes(2));
    world.do_jobs().await;
    alice.log_in().await.unwrap();
}

async fn a_deleted_account_is_kept_for_its_time_from_now_on(world: World) {
    let alice = world.person("alice").await;
    world.wait(Duration::days(400));
    alice.log_in().await.unwrap().delete(&alice.password).await.unwrap();
    world.wait(-Duration::days(400));
    let _ = world.stranger("bob").guess().await;
    do_upkeep(&world).await;
    world.wait(Duration::minutes(20));
    do_upkeep(&world).await;
    assert_eq!(world.count("users").await, 1);
    world.wait(Duration::days(30));
    world.purge().await;
    assert_eq!(world.count("users").await, 0);
}

async fn steps_of_an_hour_lock_nobody_out(world: World) {
    let alice = world.person("alice").await;
    let mut phone = alice.log_in().await.unwrap();
    for step in [1, -1, -1, 1, 1, -1, -1, 1] {
        world.wait(Duration::hours(step));
        phone = phone.refresh().await.unwrap();
        phone.me().await.unwrap();
        let laptop = alice.log_in().await.unwrap();
        laptop.me().await.unwrap();
        let repeated = (phone.refresh().await.unwrap(), phone.refresh().await.unwrap());
        assert_eq!(repeated.0.tokens.refresh_token, repeated.1.tokens.refresh_token);
        phone = repeated.0;
    }
}

async fn a_restart_finds_what_another_clock_left(world: World) {
    let alice = world.person("alice").await;
    world.wait(Duration::days(400));
    for _ in 0..6 {
        let _ = alice.guess().await;
    }
    // The other process has never seen the clock that was ahead.
    world.wait(-Duration::days(400));
    let world = world.restart().await;
    let alice = Person::new(&world, "alice");
    assert!(wait_of(&alice).await <= Duration::seconds(2));
    let device: Device<'_> = if let Ok(device) = alice.log_in().await {
        device
    } else {
        world.wait(Duration::seconds(2));
        alice.log_in().await.unwrap()
    };
    device.me().await.unwrap();
}
