use ipse::proto::ErrorReason::{FieldInvalid, RefreshTokenInvalid, TokenExpired, TokenInvalid, TokenMissing};
use time::Duration;

use crate::support::on_both_backends;
use crate::support::refusal::reason;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    signing_out_with_the_access_token_ends_its_session
    signing_out_with_a_refresh_token_ends_its_session
    the_refresh_token_says_which_session
    a_refresh_token_without_a_session_is_answered_like_one_with
    without_a_refresh_token_the_access_token_has_to_be_good
    signing_out_is_known_to_all_replicas_at_once
}

async fn signing_out_with_the_access_token_ends_its_session(world: World) {
    let alice = world.person("alice").await;
    let (phone, laptop) = (alice.log_in().await.unwrap(), alice.log_in().await.unwrap());
    phone.log_out().await.unwrap();
    assert_eq!(reason(phone.me().await), TokenInvalid);
    assert_eq!(reason(phone.refresh().await), RefreshTokenInvalid);
    assert_eq!(reason(phone.log_out().await), TokenInvalid);
    laptop.me().await.unwrap();
    laptop.refresh().await.unwrap();
}

async fn signing_out_with_a_refresh_token_ends_its_session(world: World) {
    let alice = world.person("alice").await;
    let (phone, laptop) = (alice.log_in().await.unwrap(), alice.log_in().await.unwrap());
    world.wait(Duration::hours(1));
    alice.log_out(&phone.tokens.refresh_token).await.unwrap();
    assert_eq!(reason(phone.refresh().await), RefreshTokenInvalid);
    laptop.refresh().await.unwrap();
}

async fn the_refresh_token_says_which_session(world: World) {
    let alice = world.person("alice").await;
    let (phone, laptop) = (alice.log_in().await.unwrap(), alice.log_in().await.unwrap());
    phone.log_out_of(&laptop.tokens.refresh_token).await.unwrap();
    phone.me().await.unwrap();
    assert_eq!(reason(laptop.me().await), TokenInvalid);
    // A token that names no session must not fall back on the one of the bearer.
    phone.log_out_of("garbage").await.unwrap();
    phone.me().await.unwrap();
}

async fn a_refresh_token_without_a_session_is_answered_like_one_with(world: World) {
    let alice = world.person("alice").await;
    let first = alice.log_in().await.unwrap();
    let second = first.refresh().await.unwrap();
    for token in ["garbage", &first.tokens.refresh_token, &second.tokens.refresh_token, &second.tokens.refresh_token] {
        alice.log_out(token).await.unwrap();
    }
    assert_eq!(reason(second.refresh().await), RefreshTokenInvalid);
    for malformed in ["a".repeat(257), "a\0".to_owned()] {
        assert_eq!(reason(alice.log_out(&malformed).await), FieldInvalid);
    }
}

async fn without_a_refresh_token_the_access_token_has_to_be_good(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    assert_eq!(reason(alice.log_out("").await), TokenMissing);
    assert_eq!(reason(phone.bearing("garbage").log_out().await), TokenInvalid);
    world.wait(Duration::minutes(15));
    assert_eq!(reason(phone.log_out().await), TokenExpired);
    phone.refresh().await.unwrap().log_out().await.unwrap();
}

async fn signing_out_is_known_to_all_replicas_at_once(world: World) {
    let alice = world.person("alice").await;
    let replica = world.another_replica().await;
    let phone = alice.log_in().await.unwrap();
    let elsewhere = alice.through(&replica.channel).refresh(&phone.tokens.refresh_token).await.unwrap();
    elsewhere.me().await.unwrap();
    phone.log_out().await.unwrap();
    assert_eq!(reason(elsewhere.me().await), TokenInvalid);
    replica.stop().await;
}
