use std::collections::HashSet;

use futures_util::future::join_all;
use ipse::proto::ErrorReason::{AudienceUnknown, FieldInvalid, RefreshTokenInvalid, TokenExpired, TokenInvalid};
use ipse::proto::{LoginRequest, Tokens};
use serde_json::json;
use time::Duration;

use crate::support::database::Backend;
use crate::support::on_both_backends;
use crate::support::person::Device;
use crate::support::refusal::{reason, refusal};
use crate::support::token;
use crate::support::world::{AUDIENCE, ISSUER, World};

on_both_backends! {
    World::start =>
    a_refresh_yields_new_tokens_of_the_same_session
    a_lost_answer_can_be_had_again_for_ten_seconds
    a_retired_token_ends_the_session
    only_the_token_just_before_has_a_grace
    fifty_parallel_refreshes_agree_on_one_successor
    what_was_never_issued_ends_nothing
    an_idle_session_ends_after_14_days
    no_session_lasts_longer_than_30_days
    an_access_token_does_not_outlive_its_session
    the_sign_in_stays_when_it_was
    a_suspended_account_is_not_refreshed
    any_replica_refreshes_what_another_began
    each_token_is_for_one_audience_and_the_client_asks_for_the_others
}

on_both_backends! {
    without_grace =>
    without_grace_a_second_use_ends_the_session
}

on_both_backends! {
    short_lived =>
    an_operator_sets_how_long_sessions_last
}

async fn without_grace(backend: Backend) -> World {
    World::with(backend, &["REFRESH_GRACE=0s"]).await
}

async fn short_lived(backend: Backend) -> World {
    let lifetimes = ["SESSION_LIFETIME=20m", "SESSION_IDLE_LIFETIME=10m", "ACCESS_TOKEN_LIFETIME=60m"];
    World::with(backend, &lifetimes).await
}

async fn each_token_is_for_one_audience_and_the_client_asks_for_the_others(world: World) {
    let alice = world.person("alice").await;
    let audience = |device: &Device<'_>| token::read(&device.tokens.access_token).1["aud"].clone();
    let request = LoginRequest { audience: AUDIENCE.to_owned(), identifier: alice.email.clone(), ..Default::default() };
    let there = alice.log_in_with(request).await.unwrap();
    let here = alice.refresh_for(ISSUER, &there.tokens.refresh_token).await.unwrap();
    assert_eq!((audience(&there), audience(&here)), (json!([AUDIENCE]), json!([ISSUER])));
    assert_eq!(reason(there.me().await), TokenInvalid);
    assert_eq!(here.me().await.unwrap().session.unwrap().id, there.tokens.session_id);
    // The next one is for the audience of the sign-in again, unless it is asked for another.
    let next = here.refresh().await.unwrap();
    assert_eq!(audience(&next), json!([AUDIENCE]));
    for unknown in ["Orders", "orders ", "https://id.example/"] {
        let refusal = refusal(alice.refresh_for(unknown, &next.tokens.refresh_token).await);
        assert_eq!((refusal.reason, refusal.fields), (AudienceUnknown, vec!["audience".to_owned()]), "{unknown}");
    }
    // A refusal retires nothing.
    next.refresh().await.unwrap();
}

async fn a_refresh_yields_new_tokens_of_the_same_session(world: World) {
    let first = world.person("alice").await.log_in().await.unwrap();
    world.wait(Duration::minutes(10));
    let second = first.refresh().await.unwrap();
    assert_eq!(second.tokens.session_id, first.tokens.session_id);
    assert_ne!(second.tokens.refresh_token, first.tokens.refresh_token);
    let Tokens { access_expire_time, refresh_expire_time, .. } = &second.tokens;
    assert_eq!(access_expire_time.unwrap().seconds, token::seconds(&world) + 15 * 60);
    assert_eq!(refresh_expire_time.unwrap().seconds, token::seconds(&world) + 14 * 24 * 3600);
    let session = second.me().await.unwrap().session.unwrap();
    assert_eq!(session.last_seen_time.unwrap().seconds, token::seconds(&world));
    assert_eq!(session.create_time.unwrap().seconds, token::seconds(&world) - 600);
    first.me().await.unwrap();
    second.refresh().await.unwrap().me().await.unwrap();
    assert_eq!(world.count("sessions").await, 1);
}

async fn a_lost_answer_can_be_had_again_for_ten_seconds(world: World) {
    let first = world.person("alice").await.log_in().await.unwrap();
    let second = first.refresh().await.unwrap();
    world.wait(Duration::seconds(10) - Duration::MICROSECOND);
    let again = first.refresh().await.unwrap();
    assert_eq!(again.tokens.refresh_token, second.tokens.refresh_token);
    again.me().await.unwrap();
    world.wait(Duration::MICROSECOND);
    second.refresh().await.unwrap();
}

async fn a_retired_token_ends_the_session(world: World) {
    let alice = world.person("alice").await;
    let (first, tablet) = (alice.log_in().await.unwrap(), alice.log_in().await.unwrap());
    let second = first.refresh().await.unwrap();
    world.wait(Duration::seconds(10));
    assert_eq!(reason(first.refresh().await), RefreshTokenInvalid);
    assert_eq!(reason(second.refresh().await), RefreshTokenInvalid);
    assert_eq!(reason(second.me().await), TokenInvalid);
    tablet.refresh().await.unwrap().me().await.unwrap();
    let ends = "SELECT end_reason AS value FROM sessions WHERE end_reason IS NOT NULL";
    assert_eq!(world.database.outsider().await.values(ends).await, ["token_reuse"]);
}

async fn only_the_token_just_before_has_a_grace(world: World) {
    let first = world.person("alice").await.log_in().await.unwrap();
    let second = first.refresh().await.unwrap();
    let third = second.refresh().await.unwrap();
    assert_eq!(second.refresh().await.unwrap().tokens.refresh_token, third.tokens.refresh_token);
    assert_eq!(reason(first.refresh().await), RefreshTokenInvalid);
    assert_eq!(reason(third.refresh().await), RefreshTokenInvalid);
}

async fn fifty_parallel_refreshes_agree_on_one_successor(world: World) {
    let device = world.person("alice").await.log_in().await.unwrap();
    let refreshed = join_all((0..50).map(|_| device.refresh())).await;
    let successors: HashSet<_> =
        refreshed.iter().map(|device| device.as_ref().unwrap().tokens.refresh_token.clone()).collect();
    assert_eq!(successors.len(), 1);
    assert!(!successors.contains(&device.tokens.refresh_token));
    refreshed[49].as_ref().unwrap().refresh().await.unwrap();
}

async fn what_was_never_issued_ends_nothing(world: World) {
    let alice = world.person("alice").await;
    let device = alice.log_in().await.unwrap();
    let token = &device.tokens.refresh_token;
    let mut changed: Vec<String> = (0..token.len()).step_by(7).map(|index| with_another_letter(token, index)).collect();
    changed.extend([token.to_uppercase(), format!("{token}A"), token[..token.len() - 1].to_owned(), "garbage".into()]);
    changed.push(device.tokens.access_token[..256].to_owned());
    for token in changed {
        assert_eq!(reason(alice.refresh(&token).await), RefreshTokenInvalid, "{token}");
    }
    for malformed in [String::new(), "a".repeat(257), "a\0".to_owned()] {
        assert_eq!(reason(alice.refresh(&malformed).await), FieldInvalid, "{malformed:?}");
    }
    device.refresh().await.unwrap();
}

fn with_another_letter(text: &str, index: usize) -> String {
    let mut changed = text.to_owned();
    let letter = if &text[index..=index] == "A" { "B" } else { "A" };
    changed.replace_range(index..=index, letter);
    changed
}

async fn an_idle_session_ends_after_14_days(world: World) {
    let device = world.person("alice").await.log_in().await.unwrap();
    world.wait(Duration::days(14) - Duration::MICROSECOND);
    let device = device.refresh().await.unwrap();
    world.wait(Duration::days(14));
    assert_eq!(reason(device.refresh().await), RefreshTokenInvalid);
}

async fn no_session_lasts_longer_than_30_days(world: World) {
    let mut device = world.person("alice").await.log_in().await.unwrap();
    let end = token::seconds(&world) + 30 * 24 * 3600;
    for _ in 0..5 {
        world.wait(Duration::days(5));
        device = device.refresh().await.unwrap();
    }
    assert_eq!(device.tokens.refresh_expire_time.unwrap().seconds, end);
    world.wait(Duration::days(5) - Duration::MICROSECOND);
    device = device.refresh().await.unwrap();
    device.me().await.unwrap();
    world.wait(Duration::MICROSECOND);
    assert_eq!(reason(device.refresh().await), RefreshTokenInvalid);
}

async fn an_access_token_does_not_outlive_its_session(world: World) {
    let mut device = world.person("alice").await.log_in().await.unwrap();
    let end = token::seconds(&world) + 30 * 24 * 3600;
    for days in [12, 12] {
        world.wait(Duration::days(days));
        device = device.refresh().await.unwrap();
    }
    world.wait(Duration::days(6) - Duration::minutes(5));
    let device = device.refresh().await.unwrap();
    assert_eq!(device.tokens.access_expire_time.unwrap().seconds, end);
    assert_eq!(token::read(&device.tokens.access_token).1["exp"], end);
}

async fn the_sign_in_stays_when_it_was(world: World) {
    let device = world.person("alice").await.log_in().await.unwrap();
    let sign_in = token::seconds(&world);
    world.wait(Duration::hours(3));
    let (_, claims) = token::read(&device.refresh().await.unwrap().tokens.access_token);
    assert_eq!((&claims["auth_time"], &claims["iat"]), (&sign_in.into(), &token::seconds(&world).into()));
}

async fn a_suspended_account_is_not_refreshed(world: World) {
    let alice = world.person("alice").await;
    let device = alice.log_in().await.unwrap();
    world.suspend(&alice.email).await;
    assert_eq!(reason(device.refresh().await), RefreshTokenInvalid);
    assert_eq!(reason(device.me().await), TokenInvalid);
}

async fn any_replica_refreshes_what_another_began(world: World) {
    let tokens = world.person("alice").await.log_in().await.unwrap().tokens;
    let world = world.restart().await;
    let alice = world.stranger("alice");
    let replica = world.another_replica().await;
    let elsewhere = alice.through(&replica.channel);
    let second = elsewhere.refresh(&tokens.refresh_token).await.unwrap();
    let third = alice.refresh(&second.tokens.refresh_token).await.unwrap();
    third.me().await.unwrap();
    second.me().await.unwrap();
    replica.stop().await;
}

async fn without_grace_a_second_use_ends_the_session(world: World) {
    let first = world.person("alice").await.log_in().await.unwrap();
    let second = first.refresh().await.unwrap();
    assert_eq!(reason(first.refresh().await), RefreshTokenInvalid);
    assert_eq!(reason(second.refresh().await), RefreshTokenInvalid);
}

async fn an_operator_sets_how_long_sessions_last(world: World) {
    let alice = world.person("alice").await;
    let idle = alice.log_in().await.unwrap();
    let mut busy = alice.log_in().await.unwrap();
    for _ in 0..2 {
        world.wait(Duration::minutes(9));
        busy = busy.refresh().await.unwrap();
    }
    assert_eq!(reason(idle.me().await), TokenExpired);
    world.wait(Duration::minutes(2));
    assert_eq!(reason(busy.refresh().await), RefreshTokenInvalid);
}
