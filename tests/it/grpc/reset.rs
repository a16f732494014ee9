use futures_util::future::join_all;
use ipse::proto::ErrorReason::{
    AccountDisabled, ActionTokenInvalid, CredentialsInvalid, FieldInvalid, PasswordBlocklisted, PasswordTooLong,
    PasswordTooShort, RefreshTokenInvalid, TokenInvalid,
};
use ipse::proto::UserState;
use time::Duration;

use crate::support::database::Backend;
use crate::support::on_both_backends;
use crate::support::person::token_in;
use crate::support::refusal::{reason, refusal};
use crate::support::world::World;

const NEW: &str = "another long way home";

on_both_backends! {
    World::start =>
    a_mailed_token_sets_a_new_password_once
    a_reset_ends_all_sessions_and_begins_none
    a_request_changes_nothing_but_the_token
    a_token_is_valid_for_an_hour
    an_address_gets_one_mail_a_minute_and_five_an_hour
    a_reset_proves_the_address
    a_refused_password_does_not_use_the_token_up
    of_parallel_resets_exactly_one_counts
    suspended_people_are_told_why_and_unknown_ones_get_no_mail
    a_suspension_stops_a_reset_under_way
    a_reset_settles_a_demanded_change
    the_owner_is_told
}

on_both_backends! {
    five_minutes =>
    an_operator_sets_how_long_a_token_is_valid
}

async fn five_minutes(backend: Backend) -> World {
    World::with(backend, &["RESET_LIFETIME=5m"]).await
}

async fn a_mailed_token_sets_a_new_password_once(world: World) {
    let alice = world.person("alice").await;
    alice.request_reset().await.unwrap();
    let token = alice.mailed_token().await;
    alice.reset(&token, NEW).await.unwrap();
    assert_eq!(reason(alice.log_in().await), CredentialsInvalid);
    alice.with_password(NEW).log_in().await.unwrap();
    assert_eq!(reason(alice.reset(&token, &alice.password).await), ActionTokenInvalid);
    assert_eq!(reason(alice.reset("garbage", &alice.password).await), ActionTokenInvalid);
    alice.with_password(NEW).log_in().await.unwrap();
}

async fn a_reset_ends_all_sessions_and_begins_none(world: World) {
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    let (phone, laptop) = (alice.log_in().await.unwrap(), alice.log_in().await.unwrap());
    let unconcerned = bob.log_in().await.unwrap();
    alice.request_reset().await.unwrap();
    alice.reset(&alice.mailed_token().await, NEW).await.unwrap();
    for device in [phone, laptop] {
        assert_eq!(reason(device.me().await), TokenInvalid);
        assert_eq!(reason(device.refresh().await), RefreshTokenInvalid);
    }
    unconcerned.me().await.unwrap();
    assert_eq!(world.count("sessions WHERE end_time IS NULL").await, 1);
}

async fn a_request_changes_nothing_but_the_token(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    alice.request_reset().await.unwrap();
    let first = alice.mailed_token().await;
    alice.log_in().await.unwrap();
    phone.me().await.unwrap();
    world.wait(Duration::minutes(1));
    alice.request_reset().await.unwrap();
    let second = alice.mailed_token().await;
    assert_eq!(reason(alice.reset(&first, NEW).await), ActionTokenInvalid);
    alice.reset(&second, NEW).await.unwrap();
}

async fn a_token_is_valid_for_an_hour(world: World) {
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    alice.request_reset().await.unwrap();
    bob.request_reset().await.unwrap();
    let (of_alice, of_bob) = (alice.mailed_token().await, bob.mailed_token().await);
    world.wait(Duration::hours(1) - Duration::MICROSECOND);
    alice.reset(&of_alice, NEW).await.unwrap();
    world.wait(Duration::MICROSECOND);
    assert_eq!(reason(bob.reset(&of_bob, NEW).await), ActionTokenInvalid);
}

async fn an_operator_sets_how_long_a_token_is_valid(world: World) {
    let alice = world.person("alice").await;
    alice.request_reset().await.unwrap();
    let token = alice.mailed_token().await;
    world.wait(Duration::minutes(5));
    assert_eq!(reason(alice.reset(&token, NEW).await), ActionTokenInvalid);
}

async fn an_address_gets_one_mail_a_minute_and_five_an_hour(world: World) {
    let alice = world.person("alice").await;
    let mut token = String::new();
    for wanted in [1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 0] {
        alice.request_reset().await.unwrap();
        let tokens: Vec<_> = alice.mails().await.iter().map(token_in).collect();
        assert_eq!(tokens.len(), wanted);
        token = tokens.into_iter().next().unwrap_or(token);
        world.wait(Duration::seconds(30));
    }
    alice.reset(&token, NEW).await.unwrap();
    alice.mails().await;
    world.wait(Duration::minutes(54));
    alice.request_reset().await.unwrap();
    assert_eq!(alice.mail_kinds().await, ["reset_password"], "an hour after the first one");
}

async fn a_reset_proves_the_address(world: World) {
    let alice = world.stranger("alice");
    alice.register().await.unwrap();
    let proof = alice.mailed_token().await;
    alice.request_reset().await.unwrap();
    alice.reset(&alice.mailed_token().await, NEW).await.unwrap();
    assert_eq!(alice.mail_kinds().await, ["password_changed", "welcome"]);
    let user = alice.with_password(NEW).log_in().await.unwrap().me().await.unwrap().user.unwrap();
    assert!(user.email_verified);
    assert_eq!(user.state(), UserState::Active);
    assert_eq!(reason(alice.verify(&proof).await), ActionTokenInvalid);
}

async fn a_refused_password_does_not_use_the_token_up(world: World) {
    let alice = world.stranger("alice").known_as("wonderful.alice.1");
    alice.register().await.unwrap();
    alice.verify(&alice.mailed_token().await).await.unwrap();
    alice.request_reset().await.unwrap();
    let token = alice.mailed_token().await;
    for (password, expected) in [
        ("too short", PasswordTooShort),
        (&*"kfhwbvgq".repeat(33), PasswordTooLong),
        ("passwordpassword", PasswordBlocklisted),
        ("alice@example.com", PasswordBlocklisted),
        ("Wonderful.Alice.1", PasswordBlocklisted),
        ("kfhwb\0vgqpzmxuvyr", FieldInvalid),
    ] {
        let refusal = refusal(alice.reset(&token, password).await);
        assert_eq!((refusal.reason, refusal.fields), (expected, vec!["new_password".to_owned()]), "{password:?}");
    }
    let refusal = refusal(alice.reset("", "").await);
    assert_eq!((refusal.reason, refusal.fields), (FieldInvalid, vec!["token".to_owned(), "new_password".to_owned()]));
    alice.reset(&token, NEW).await.unwrap();
}

async fn of_parallel_resets_exactly_one_counts(world: World) {
    let alice = world.person("alice").await;
    alice.request_reset().await.unwrap();
    let token = alice.mailed_token().await;
    let passwords: Vec<_> = (0..8).map(|number| format!("the password number {number}")).collect();
    let outcomes = join_all(passwords.iter().map(|password| alice.reset(&token, password))).await;
    let mut winners = Vec::new();
    for (outcome, password) in outcomes.into_iter().zip(&passwords) {
        if outcome.is_ok() {
            winners.push(password);
        } else {
            assert_eq!(reason(outcome), ActionTokenInvalid);
        }
    }
    assert_eq!(winners.len(), 1);
    alice.with_password(winners[0]).log_in().await.unwrap();
    assert_eq!(alice.mail_kinds().await, ["password_changed"]);
}

async fn suspended_people_are_told_why_and_unknown_ones_get_no_mail(world: World) {
    let suspended = world.person("suspended").await;
    world.suspend(&suspended.email).await;
    suspended.request_reset().await.unwrap();
    assert_eq!(suspended.mail_kinds().await, ["account_suspended"]);
    suspended.request_reset().await.unwrap();
    assert!(suspended.mails().await.is_empty(), "one mail in a minute");
    world.wait(Duration::minutes(1));
    suspended.register().await.unwrap();
    assert_eq!(suspended.mail_kinds().await, ["account_suspended"]);
    world.stranger("nobody").request_reset().await.unwrap();
    assert!(world.mails().await.is_empty());
    assert_eq!(world.count("action_tokens").await, 0);
}

async fn a_suspension_stops_a_reset_under_way(world: World) {
    let alice = world.person("alice").await;
    alice.request_reset().await.unwrap();
    let token = alice.mailed_token().await;
    world.suspend(&alice.email).await;
    assert_eq!(reason(alice.reset(&token, NEW).await), ActionTokenInvalid);
    assert_eq!(reason(alice.log_in().await), AccountDisabled, "with the old password");
}

async fn a_reset_settles_a_demanded_change(world: World) {
    let alice = world.person("alice").await;
    world.change_user(&alice.email, |user| user.password_change_required = true).await;
    alice.request_reset().await.unwrap();
    alice.reset(&alice.mailed_token().await, NEW).await.unwrap();
    let user = alice.with_password(NEW).log_in().await.unwrap().me().await.unwrap().user.unwrap();
    assert!(!user.password_change_required);
}

async fn the_owner_is_told(world: World) {
    let alice = world.person("alice").await;
    alice.request_reset().await.unwrap();
    alice.reset(&alice.mailed_token().await, NEW).await.unwrap();
    assert_eq!(alice.mail_kinds().await, ["password_changed"]);
    assert!(world.mails().await.is_empty());
}
