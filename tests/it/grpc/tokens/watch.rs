//! The stream of revocations.

use ipse::application::ports::{Clock as _, Store};
use ipse::domain::access::change::AccessChange;
use ipse::domain::id::TokenId;
use ipse::proto::ErrorReason::{FieldInvalid, PermissionMissing, ShuttingDown, StorageUnavailable, TokenInvalid};
use ipse::proto::watch_revocations_response::Revoked;
use time::Duration;
use uuid::Uuid;

use crate::support::custodian::Custodian;
use crate::support::guard::Guard;
use crate::support::on_both_backends;
use crate::support::operator::Operator;
use crate::support::refusal::reason;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    what_was_comes_first_then_what_happens_and_signs_of_life_between
    every_kind_of_revocation_is_told_and_nothing_else
    a_watch_goes_on_anywhere_from_its_last_token
    a_watch_that_breaks_off_among_news_misses_none_of_them
    a_token_without_a_meaning_stands_for_nothing
    an_ended_session_ends_the_watch
    a_revoked_token_ends_the_watch
    a_lost_permission_ends_the_watch
    a_watch_outlives_its_access_token_but_not_its_session
    a_watch_of_a_service_ends_with_its_key
    old_news_ends_the_watch
    a_server_that_stops_says_so
}

fn session(id: &str) -> Revoked {
    Revoked::SessionId(id.to_owned())
}

async fn what_was_comes_first_then_what_happens_and_signs_of_life_between(world: World) {
    let (guard, alice) = (Guard::new(&world).await, world.person("alice").await);
    let (phone, tablet, laptop) =
        (alice.log_in().await.unwrap(), alice.log_in().await.unwrap(), alice.log_in().await.unwrap());
    phone.log_out().await.unwrap();
    let mut watch = guard.watch("").await.unwrap();
    assert_eq!(watch.snapshot().await.unwrap(), [session(&phone.tokens.session_id)]);
    tablet.log_out().await.unwrap();
    world.look().await;
    let message = watch.message().await.unwrap();
    assert_eq!(message.revoked, Some(session(&tablet.tokens.session_id)));
    let expiry = message.forget_after.unwrap().seconds - world.clock.now().unix_timestamp();
    assert_eq!(expiry, 3660, "the longest life of a token, and what clocks may differ by");
    let alive = watch.message().await.unwrap();
    assert_eq!((alive.revoked, watch.snapshot().await.unwrap()), (None, vec![]), "and another one");
    let other = world.another_replica().await;
    laptop.through(&other.channel).log_out().await.unwrap();
    world.look().await;
    assert_eq!(watch.next().await.unwrap(), session(&laptop.tokens.session_id));
    other.stop().await;
}

async fn put(store: &dyn Store, world: &World, changes: &[AccessChange]) {
    let tx = store.write().await.unwrap();
    tx.access_changes().insert_access_changes(changes, world.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
}

async fn every_kind_of_revocation_is_told_and_nothing_else(world: World) {
    let mut watch = Guard::new(&world).await.watch("").await.unwrap();
    assert!(watch.snapshot().await.unwrap().is_empty());
    let id = |number| Uuid::from_u128(number);
    let text = |number| id(number).hyphenated().to_string();
    let revoked_before = world.clock.now();
    let changes = [
        AccessChange::Rights,
        AccessChange::Session(id(1)),
        AccessChange::KeySet,
        AccessChange::Subject { id: id(2), revoked_before },
        AccessChange::Token(TokenId::from_uuid(id(3))),
        AccessChange::Key("kid".to_owned()),
    ];
    put(world.store().as_ref(), &world, &changes).await;
    world.look().await;
    for expected in
        [session(&text(1)), Revoked::Subject(text(2)), Revoked::TokenId(text(3)), Revoked::KeyId("kid".to_owned())]
    {
        let message = watch.message().await.unwrap();
        let time = message.revoked_before.map(|time| time.seconds);
        let is_subject = matches!(expected, Revoked::Subject(_));
        assert_eq!(message.revoked, Some(expected));
        assert_eq!(time, is_subject.then(|| revoked_before.unix_timestamp()));
    }
    assert_eq!(watch.message().await.unwrap().revoked, None);
}

async fn a_watch_goes_on_anywhere_from_its_last_token(world: World) {
    let guard = Guard::new(&world).await;
    let other = world.another_replica().await;
    let far = guard.through(&other.channel);
    let token = |number| AccessChange::Token(TokenId::from_uuid(Uuid::from_u128(number)));
    let told = |number| Revoked::TokenId(Uuid::from_u128(number).hyphenated().to_string());
    put(world.store().as_ref(), &world, &[token(1)]).await;
    let mut watch = guard.watch("").await.unwrap();
    assert_eq!(watch.snapshot().await.unwrap(), [told(1)]);
    put(other.store.as_ref(), &world, &[token(2)]).await;
    world.look().await;
    assert_eq!(watch.next().await.unwrap(), told(2));
    put(world.store().as_ref(), &world, &[token(3)]).await;
    // The other process has not looked since it began, and does so by itself as the watcher knows more.
    let mut watch = far.watch(&watch.resume_token).await.unwrap();
    assert_eq!(watch.snapshot().await.unwrap(), [told(3)], "and nothing that it had before");
    put(world.store().as_ref(), &world, &[token(4)]).await;
    let mut watch = guard.watch(&watch.resume_token).await.unwrap();
    let rest = watch.snapshot().await.unwrap();
    assert_eq!(rest, [told(4)]);
    assert!(guard.watch(&watch.resume_token).await.unwrap().snapshot().await.unwrap().len() <= 1);
    other.stop().await;
}

async fn a_watch_that_breaks_off_among_news_misses_none_of_them(world: World) {
    let guard = Guard::new(&world).await;
    let mut watch = guard.watch("").await.unwrap();
    watch.snapshot().await.unwrap();
    let ids: Vec<_> = (1..=3).map(Uuid::from_u128).collect();
    let changes: Vec<_> = ids.iter().map(|id| AccessChange::Token(TokenId::from_uuid(*id))).collect();
    put(world.store().as_ref(), &world, &changes).await;
    world.look().await;
    for (heard, id) in ids.iter().enumerate() {
        assert_eq!(watch.next().await.unwrap(), Revoked::TokenId(id.hyphenated().to_string()));
        let rest = guard.watch(&watch.resume_token).await.unwrap().snapshot().await.unwrap();
        for missing in &ids[heard + 1..] {
            assert!(rest.contains(&Revoked::TokenId(missing.hyphenated().to_string())), "{heard} {missing}");
        }
    }
    assert_eq!(watch.message().await.unwrap().revoked, None);
    assert_eq!(guard.watch(&watch.resume_token).await.unwrap().snapshot().await.unwrap(), []);
}

async fn a_token_without_a_meaning_stands_for_nothing(world: World) {
    let guard = Guard::new(&world).await;
    put(world.store().as_ref(), &world, &[AccessChange::Session(Uuid::from_u128(1))]).await;
    for text in ["x", "r1-", "r1-x", "r1--1", "r1-0", "r1-999999", "r1-9223372036854775807", "r2-1", &"r".repeat(256)] {
        assert_eq!(guard.watch(text).await.unwrap().snapshot().await.unwrap().len(), 1, "{text}");
    }
    assert_eq!(reason(guard.watch(&"r".repeat(257)).await.map(|_| ())), FieldInvalid);
}

async fn an_ended_session_ends_the_watch(world: World) {
    let guard = Guard::new(&world).await;
    let watch = guard.watch("").await.unwrap();
    guard.0.log_out().await.unwrap();
    assert_eq!(reason(watch.end().await), TokenInvalid);
}

async fn a_revoked_token_ends_the_watch(world: World) {
    let guard = Guard::new(&world).await;
    let watch = guard.watch("").await.unwrap();
    world.stranger("guard").revoke_token(&guard.0.tokens.access_token).await.unwrap();
    assert_eq!(reason(watch.end().await), TokenInvalid);
    guard.0.refresh().await.unwrap();
}

async fn a_lost_permission_ends_the_watch(world: World) {
    let (guard, root) = (Guard::new(&world).await, Operator::root(&world).await);
    let watch = guard.watch("").await.unwrap();
    let role = "00000000-0000-7000-8000-000000000004";
    root.revoke(role, &Operator(guard.0.clone()).id().await).await.unwrap();
    assert_eq!(reason(watch.end().await), PermissionMissing);
}

async fn a_watch_outlives_its_access_token_but_not_its_session(world: World) {
    let guard = Guard::new(&world).await;
    let mut watch = guard.watch("").await.unwrap();
    watch.snapshot().await.unwrap();
    world.wait(Duration::hours(1));
    world.look().await;
    watch.message().await.unwrap();
    world.wait(Duration::days(30));
    world.look().await;
    assert_eq!(reason(watch.end().await), TokenInvalid);
}

async fn a_watch_of_a_service_ends_with_its_key(world: World) {
    let program = Custodian::root(&world).await.program(&world, "service", &[]).await;
    let mut watch = Guard(program.caller().await).watch("").await.unwrap();
    watch.snapshot().await.unwrap();
    world.wait(Duration::hours(1));
    world.look().await;
    watch.message().await.unwrap();
    world.wait(Duration::days(366));
    world.look().await;
    assert_eq!(reason(watch.end().await), TokenInvalid);
}

async fn old_news_ends_the_watch(world: World) {
    let watch = Guard::new(&world).await.watch("").await.unwrap();
    world.wait(Duration::milliseconds(3001));
    assert_eq!(reason(watch.end().await), StorageUnavailable);
}

async fn a_server_that_stops_says_so(world: World) {
    let watch = Guard::new(&world).await.watch("").await.unwrap();
    world.replica().tell_to_stop();
    assert_eq!(reason(watch.end().await), ShuttingDown);
}
