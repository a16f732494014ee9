use std::collections::HashMap;
use std::time::Duration as Span;

use futures_util::future::join_all;
use ipse::proto::ErrorReason::{CredentialsInvalid, RateLimited};
use ipse::proto::LoginRequest;
use time::Duration;

use crate::support::on_both_backends;
use crate::support::person::{Device, Person};
use crate::support::refusal::{reason, refusal};
use crate::support::wire::Answer;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    four_failures_in_a_row_cost_no_waiting
    from_the_fifth_failure_waiting_doubles_up_to_an_hour
    who_waits_learns_nothing_and_is_not_counted
    failures_count_by_name_wherever_they_come_from
    the_failures_of_one_name_do_not_slow_another
    known_and_unknown_names_are_slowed_alike
    the_hundredth_failure_disables_the_password_until_it_is_reset
    failures_under_both_names_add_up_to_the_hundred
    a_reset_goes_on_while_waiting
    failures_are_forgotten_after_a_day
    one_network_cannot_try_many_names
    addresses_of_one_ipv6_network_count_together
    requests_for_mail_from_one_network_are_slowed_down
    failures_outlive_a_restart_and_are_shared_by_replicas
    parallel_guesses_are_worth_no_more_than_a_few
}

/// Fails this often, waiting as long as it takes.
async fn fail(person: &Person<'_>, times: usize) {
    for _ in 0..times {
        person.world.wait(Duration::hours(1));
        assert_eq!(reason(person.guess().await), CredentialsInvalid);
    }
}

/// How long the person has to wait.
fn waiting(attempt: Result<Device<'_>, tonic::Status>) -> Span {
    let refusal = refusal(attempt);
    assert_eq!(refusal.reason, RateLimited);
    refusal.retry_after.expect("how long to wait")
}

async fn four_failures_in_a_row_cost_no_waiting(world: World) {
    let alice = world.person("alice").await;
    for _ in 0..3 {
        for _ in 0..4 {
            assert_eq!(reason(alice.guess().await), CredentialsInvalid);
        }
        alice.log_in().await.unwrap();
    }
}

async fn from_the_fifth_failure_waiting_doubles_up_to_an_hour(world: World) {
    let alice = world.person("alice").await;
    for _ in 0..4 {
        assert_eq!(reason(alice.guess().await), CredentialsInvalid);
    }
    for seconds in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600] {
        assert_eq!(reason(alice.guess().await), CredentialsInvalid);
        assert_eq!(waiting(alice.log_in().await), Span::from_secs(seconds));
        world.wait(Duration::milliseconds(400));
        assert_eq!(waiting(alice.log_in().await), Span::from_millis(seconds * 1000 - 400));
        world.wait(Duration::seconds(seconds.cast_signed()) - Duration::milliseconds(401));
        assert_eq!(waiting(alice.log_in().await), Span::from_millis(1));
        world.wait(Duration::milliseconds(1));
    }
    alice.log_in().await.unwrap();
    assert_eq!(reason(alice.guess().await), CredentialsInvalid, "the count began anew");
    alice.log_in().await.unwrap();
}

async fn who_waits_learns_nothing_and_is_not_counted(world: World) {
    let alice = world.person("alice").await;
    fail(&alice, 5).await;
    for _ in 0..10 {
        assert_eq!(waiting(alice.guess().await), Span::from_secs(1));
        assert_eq!(waiting(alice.log_in().await), Span::from_secs(1));
    }
    world.wait(Duration::seconds(1));
    assert_eq!(reason(alice.guess().await), CredentialsInvalid);
    assert_eq!(waiting(alice.guess().await), Span::from_secs(2));
}

async fn failures_count_by_name_wherever_they_come_from(world: World) {
    let alice = world.person("alice").await;
    for number in 1..=5 {
        assert_eq!(reason(alice.at(&format!("198.51.100.{number}")).guess().await), CredentialsInvalid);
    }
    assert_eq!(waiting(alice.at("198.51.100.6").log_in().await), Span::from_secs(1));
    let mut shouting = alice.clone();
    shouting.email = "ALICE@Example.Com".to_owned();
    assert_eq!(waiting(shouting.log_in().await), Span::from_secs(1));
}

async fn the_failures_of_one_name_do_not_slow_another(world: World) {
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    fail(&alice, 12).await;
    waiting(alice.log_in().await);
    bob.log_in().await.unwrap();
}

/// A wrong sign-in, answered as bytes.
async fn answer(world: &World, identifier: &str) -> Answer {
    let (identifier, password) = (identifier.to_owned(), "not the password at all".to_owned());
    let request = LoginRequest { identifier, password, ..LoginRequest::default() };
    world.answer("/ipse.v1.AuthService/Login", &request).await
}

async fn known_and_unknown_names_are_slowed_alike(world: World) {
    world.person("alice").await;
    let mut reasons = HashMap::new();
    for _ in 0..9 {
        let known = answer(&world, "alice@example.com").await;
        for unknown in ["mallory@example.com", "mallory", "no-name-at-all", "mallory@example.org"] {
            assert_eq!(answer(&world, unknown).await, known, "{unknown}");
        }
        *reasons.entry(reason(known.result())).or_insert(0) += 1;
        world.wait(Duration::milliseconds(500));
    }
    assert_eq!(reasons, HashMap::from([(CredentialsInvalid, 6), (RateLimited, 3)]));
}

async fn the_hundredth_failure_disables_the_password_until_it_is_reset(world: World) {
    let (alice, nobody) = (world.person("alice").await, world.stranger("nobody"));
    let mut database = world.database.outsider().await;
    database.execute("UPDATE passwords SET failures = 98").await;
    fail(&alice, 1).await;
    world.wait(Duration::hours(1));
    alice.log_in().await.unwrap();
    // That forgot the 99.
    fail(&alice, 1).await;
    world.wait(Duration::hours(1));
    alice.log_in().await.unwrap();
    database.execute("UPDATE passwords SET failures = 98").await;
    fail(&alice, 2).await;
    fail(&nobody, 2).await;
    world.wait(Duration::days(30));
    assert_eq!(reason(alice.log_in().await), CredentialsInvalid);
    assert_eq!(answer(&world, &alice.email).await, answer(&world, &nobody.email).await);

    alice.request_reset().await.unwrap();
    let renewed = alice.with_password("another long way home");
    renewed.reset(&alice.mailed_token().await, &renewed.password).await.unwrap();
    renewed.log_in().await.unwrap();
    assert_eq!(reason(renewed.guess().await), CredentialsInvalid);
    renewed.log_in().await.unwrap();
}

async fn failures_under_both_names_add_up_to_the_hundred(world: World) {
    let alice = world.stranger("alice").known_as("wonder");
    alice.register().await.unwrap();
    alice.verify(&alice.mailed_token().await).await.unwrap();
    let mut by_username = alice.clone();
    by_username.email = "wonder".to_owned();
    world.database.outsider().await.execute("UPDATE passwords SET failures = 90").await;
    for _ in 0..5 {
        fail(&alice, 1).await;
        fail(&by_username, 1).await;
    }
    world.wait(Duration::hours(1));
    assert_eq!(reason(alice.log_in().await), CredentialsInvalid);
    assert_eq!(reason(by_username.log_in().await), CredentialsInvalid);

    alice.request_reset().await.unwrap();
    alice.reset(&alice.mailed_token().await, &alice.password).await.unwrap();
    by_username.log_in().await.unwrap();
}

async fn a_reset_goes_on_while_waiting(world: World) {
    let alice = world.person("alice").await;
    fail(&alice, 12).await;
    waiting(alice.log_in().await);
    for _ in 0..20 {
        alice.request_reset().await.unwrap();
    }
    let renewed = alice.with_password("another long way home");
    renewed.reset(&alice.mailed_token().await, &renewed.password).await.unwrap();
    renewed.log_in().await.unwrap();
}

async fn failures_are_forgotten_after_a_day(world: World) {
    let alice = world.person("alice").await;
    fail(&alice, 12).await;
    world.wait(Duration::days(1) + Duration::MICROSECOND);
    for _ in 0..5 {
        assert_eq!(reason(alice.guess().await), CredentialsInvalid);
    }
    assert_eq!(waiting(alice.guess().await), Span::from_secs(1));
}

async fn one_network_cannot_try_many_names(world: World) {
    for number in 0..6 {
        assert_eq!(reason(world.stranger(&format!("person{number}")).guess().await), CredentialsInvalid);
        world.database.outsider().await.execute("UPDATE throttles SET count = 95 WHERE count = 1").await;
    }
    let alice = world.person("alice").await;
    assert_eq!(waiting(alice.log_in().await), Span::from_secs(1));
    alice.at("198.51.100.7").log_in().await.unwrap();
    assert_eq!(waiting(alice.log_in().await), Span::from_secs(1), "a success elsewhere changes nothing");
    world.wait(Duration::seconds(1));
    alice.log_in().await.unwrap();
    assert_eq!(reason(alice.guess().await), CredentialsInvalid);
    assert_eq!(waiting(alice.log_in().await), Span::from_secs(2));
    world.wait(Duration::minutes(15) + Duration::MICROSECOND);
    for _ in 0..4 {
        assert_eq!(reason(alice.guess().await), CredentialsInvalid);
    }
}

async fn addresses_of_one_ipv6_network_count_together(world: World) {
    let (alice, bob) = (world.stranger("alice"), world.stranger("bob"));
    assert_eq!(reason(alice.at("2001:db8:0:1::1").guess().await), CredentialsInvalid);
    world.database.outsider().await.execute("UPDATE throttles SET count = 99").await;
    assert_eq!(reason(bob.at("2001:db8:0:1:ffff::1").guess().await), CredentialsInvalid);
    assert_eq!(waiting(bob.at("2001:db8:0:1::2").guess().await), Span::from_secs(1));
    assert_eq!(reason(bob.at("2001:db8:0:2::1").guess().await), CredentialsInvalid);
}

async fn requests_for_mail_from_one_network_are_slowed_down(world: World) {
    let nobody = world.stranger("nobody").at("198.51.100.7");
    nobody.request_reset().await.unwrap();
    world.database.outsider().await.execute("UPDATE throttles SET count = 999").await;
    nobody.resend_verification().await.unwrap();
    for refused in [nobody.request_reset().await, nobody.resend_verification().await] {
        let refusal = refusal(refused);
        assert_eq!((refusal.reason, refusal.retry_after), (RateLimited, Some(Span::from_secs(1))));
    }
    nobody.at("198.51.100.8").request_reset().await.unwrap();
    world.wait(Duration::seconds(1));
    nobody.request_reset().await.unwrap();
}

async fn failures_outlive_a_restart_and_are_shared_by_replicas(world: World) {
    fail(&world.person("alice").await, 4).await;
    let world = world.restart().await;
    let alice = world.stranger("alice");
    let replica = world.another_replica().await;
    assert_eq!(reason(alice.through(&replica.channel).guess().await), CredentialsInvalid);
    assert_eq!(waiting(alice.log_in().await), Span::from_secs(1));
    assert_eq!(waiting(alice.through(&replica.channel).log_in().await), Span::from_secs(1));
    world.wait(Duration::seconds(1));
    alice.through(&replica.channel).log_in().await.unwrap();
    fail(&alice, 4).await;
    replica.stop().await;
}

async fn parallel_guesses_are_worth_no_more_than_a_few(world: World) {
    let alice = world.person("alice").await;
    let guesses = join_all((0..50).map(|_| alice.guess())).await;
    let mut reasons = HashMap::new();
    for guess in guesses {
        *reasons.entry(reason(guess)).or_insert(0) += 1;
    }
    // Guesses that are answered at the very same time may each be the fifth: one for each connection to the database.
    let answered = reasons[&CredentialsInvalid];
    assert!((5..=5 + world.settings.database.max_connections).contains(&answered), "{reasons:?}");
    assert_eq!(reasons.get(&RateLimited), Some(&(50 - answered)));
    let stored = world.database.outsider().await.values("SELECT CAST(failures AS text) AS value FROM passwords").await;
    assert_eq!(stored, [answered.to_string()]);
}
