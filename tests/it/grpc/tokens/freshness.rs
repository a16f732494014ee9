//! How long memory is trusted, and what happens when it is too old.

use ipse::domain::access::change::AccessChange;
use ipse::domain::id::TokenId;
use ipse::proto::ErrorReason::{StorageUnavailable, TokenInvalid};
use time::Duration;
use uuid::Uuid;

use crate::support::database::{Backend, Database};
use crate::support::guard::Guard;
use crate::support::on_both_backends;
use crate::support::operator::Operator;
use crate::support::refusal::reason;
use crate::support::wiretap::Wiretap;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    before_the_first_look_the_database_is_asked
    memory_is_trusted_for_a_second
    one_look_takes_in_however_many_changes_there_are
    a_clock_that_was_put_back_makes_memory_old
    numbers_that_come_again_are_read_after_a_new_start
    a_restarted_process_knows_what_was_revoked_before
}

on_both_backends! {
    impatient =>
    without_a_database_memory_serves_for_a_second_and_then_nobody_is_let_in
}

async fn impatient(backend: Backend) -> World {
    World::with(backend, &["DATABASE_MAX_CONNECTIONS=2"]).await
}

async fn before_the_first_look_the_database_is_asked(world: World) {
    let (guard, alice) = (Guard::new(&world).await, world.person("alice").await);
    let (phone, tablet) = (alice.log_in().await.unwrap(), alice.log_in().await.unwrap());
    let other = world.another_replica().await;
    let far = guard.through(&other.channel);
    for device in [&phone, &tablet] {
        assert!(far.finds_good(&device.tokens.access_token).await);
    }
    phone.log_out().await.unwrap();
    alice.revoke_token(&tablet.tokens.access_token).await.unwrap();
    for device in [&phone, &tablet] {
        assert!(!far.finds_good(&device.tokens.access_token).await);
        assert_eq!(reason(device.through(&other.channel).me().await), TokenInvalid);
    }
    other.stop().await;
}

async fn memory_is_trusted_for_a_second(world: World) {
    let alice = world.person("alice").await;
    let other = world.another_replica().await;
    for (age, is_trusted) in [(Duration::ZERO, true), (Duration::SECOND, true), (Duration::milliseconds(1001), false)] {
        let phone = alice.log_in().await.unwrap();
        other.look().await;
        phone.log_out().await.unwrap();
        world.wait(age);
        assert_eq!(phone.through(&other.channel).me().await.is_ok(), is_trusted, "{age}");
    }
    other.stop().await;
}

async fn one_look_takes_in_however_many_changes_there_are(world: World) {
    let other = world.another_replica().await;
    let tokens = (1..=2500).map(|number| TokenId::from_uuid(Uuid::from_u128(number)));
    let changes: Vec<_> = tokens.map(AccessChange::Token).collect();
    let tx = world.store().write().await.unwrap();
    for some in changes.chunks(500) {
        assert_eq!(tx.access_changes().insert_access_changes(some, world.now()).await.unwrap(), 500);
    }
    tx.commit().await.unwrap();
    other.look().await;
    assert_eq!(other.feed.len(), 2500);
    other.stop().await;
}

async fn a_clock_that_was_put_back_makes_memory_old(world: World) {
    let phone = world.person("alice").await.log_in().await.unwrap();
    let other = world.another_replica().await;
    other.look().await;
    phone.log_out().await.unwrap();
    phone.through(&other.channel).me().await.unwrap();
    world.wait(Duration::microseconds(-1));
    assert_eq!(reason(phone.through(&other.channel).me().await), TokenInvalid);
    other.stop().await;
}

/// As behind a standby that took over without the last changes.
async fn numbers_that_come_again_are_read_after_a_new_start(world: World) {
    let alice = world.person("alice").await;
    let other = world.another_replica().await;
    let (phone, tablet) = (alice.log_in().await.unwrap(), alice.log_in().await.unwrap());
    phone.log_out().await.unwrap();
    other.look().await;
    let again = match world.database.backend {
        Backend::Sqlite => "DELETE FROM sqlite_sequence WHERE name = 'access_changes'",
        Backend::Postgres => "ALTER TABLE access_changes ALTER COLUMN sequence RESTART",
    };
    let mut outsider = world.database.outsider().await;
    outsider.execute("DELETE FROM access_changes").await;
    outsider.execute(again).await;
    tablet.log_out().await.unwrap();
    // The connection that listens is lost with the server that fell away.
    other.feed.start_over();
    other.look().await;
    for device in [&phone, &tablet] {
        assert_eq!(reason(device.through(&other.channel).me().await), TokenInvalid);
    }
    other.stop().await;
}

async fn a_restarted_process_knows_what_was_revoked_before(world: World) {
    let (tokens, guard_tokens) = {
        let (guard, alice) = (Guard::new(&world).await, world.person("alice").await);
        let phone = alice.log_in().await.unwrap();
        alice.revoke_token(&phone.tokens.access_token).await.unwrap();
        (phone.tokens, guard.0.tokens)
    };
    let world = world.restart().await;
    let guard = Guard(world.stranger("guard").with_tokens(guard_tokens));
    assert!(!guard.finds_good(&tokens.access_token).await);
    world.look().await;
    assert_eq!(world.replica().feed.len(), 1);
    assert!(!guard.finds_good(&tokens.access_token).await);
    // Long after, nobody needs to know any more.
    world.wait(Duration::hours(2));
    world.look().await;
    assert!(world.replica().feed.is_empty());
}

async fn without_a_database_memory_serves_for_a_second_and_then_nobody_is_let_in(world: World) {
    let guard = Guard::new(&world).await;
    let phone = world.person("alice").await.log_in().await.unwrap();
    world.look().await;
    // Once, so that the rights of the guard are in memory.
    assert!(guard.finds_good(&phone.tokens.access_token).await);
    let mut taken = Vec::new();
    for _ in 0..world.settings.database.max_connections {
        taken.push(world.store().read().await.unwrap());
    }
    world.wait(Duration::SECOND);
    assert!(guard.finds_good(&phone.tokens.access_token).await);
    world.wait(Duration::milliseconds(1));
    assert_eq!(reason(guard.introspect(&phone.tokens.access_token).await), StorageUnavailable);
    // Looking for changes does not wait for a connection that calls have taken.
    world.look().await;
    assert!(guard.finds_good(&phone.tokens.access_token).await);
    drop(taken);
}

/// Only PostgreSQL can be heard.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checks_from_memory_send_nothing_to_the_database() {
    let mut database = Database::migrated(Backend::Postgres).await;
    let tap = Wiretap::on(&database).await;
    database.settings = tap.settings.clone();
    let world = World::on(database, &[]).await;
    let (guard, root) = (Guard::new(&world).await, Operator::root(&world).await);
    let phone = world.person("alice").await.log_in().await.unwrap();
    let check = async || {
        assert!(guard.finds_good(&phone.tokens.access_token).await);
        assert_eq!(root.check(None, &["users.write"]).await, [true]);
        let bearer = ipse::proto::check_permission_request::Subject::AccessToken(phone.tokens.access_token.clone());
        assert_eq!(root.check(Some(bearer), &["users.write"]).await, [false]);
    };
    tap.take();
    check().await;
    assert!(!tap.take().is_empty(), "what is sent is heard");
    world.look().await;
    check().await;
    tap.take();
    for _ in 0..10 {
        check().await;
    }
    let heard = tap.take();
    assert!(heard.is_empty(), "{:?}", heard.iter().map(|statement| &statement.sql).collect::<Vec<_>>());
    world.end().await;
}
