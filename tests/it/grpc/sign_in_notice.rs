use futures_util::future::join_all;
use ipse::application::ports::Clock as _;
use ipse::domain::mail::MailContent;
use time::Duration;
use tonic::transport::{Channel, Endpoint};

use crate::support::database::Backend;
use crate::support::on_both_backends;
use crate::support::person::Person;
use crate::support::world::World;

/// Another place than the one that people are at unless told otherwise.
const ELSEWHERE: &str = "198.51.100.7";

on_both_backends! {
    World::start =>
    nobody_is_told_unless_the_operator_wants_it
}

on_both_backends! {
    with_notices =>
    a_sign_in_from_a_new_place_is_told_once
    the_first_sign_in_tells_nothing_new
    another_program_is_another_place_and_another_version_is_not
    a_place_whose_session_was_thrown_out_is_new_again
    a_place_is_forgotten_with_its_last_session_and_the_next_sign_in_is_told
    a_sign_in_that_fails_is_not_told
    an_address_gets_one_notice_a_minute
    of_parallel_sign_ins_from_a_new_place_one_is_told
}

on_both_backends! {
    with_notices_and_unverified =>
    an_address_that_is_not_proven_gets_no_notice
}

async fn with_notices(backend: Backend) -> World {
    World::with(backend, &["SIGN_IN_NOTICE=true"]).await
}

async fn with_notices_and_unverified(backend: Backend) -> World {
    World::with(backend, &["SIGN_IN_NOTICE=true", "UNVERIFIED_SIGN_IN=true"]).await
}

/// A connection of a program that calls itself so.
async fn program(world: &World, user_agent: &str) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{}", world.replica().address)).unwrap();
    endpoint.user_agent(user_agent.to_owned()).unwrap().connect().await.unwrap()
}

/// Signs in and says whether that was told by mail.
async fn is_told(person: &Person<'_>) -> bool {
    person.world.wait(Duration::minutes(13));
    person.log_in().await.unwrap();
    match person.mail_kinds().await[..] {
        [] => false,
        ["new_sign_in"] => true,
        ref other => panic!("{other:?}"),
    }
}

async fn nobody_is_told_unless_the_operator_wants_it(world: World) {
    let alice = world.person("alice").await;
    assert!(!is_told(&alice).await);
    assert!(!is_told(&alice.at(ELSEWHERE)).await);
}

async fn a_sign_in_from_a_new_place_is_told_once(world: World) {
    let alice = world.person("alice").await;
    alice.log_in().await.unwrap();
    alice.at(ELSEWHERE).log_in().await.unwrap();
    let mails = alice.mails().await;
    let [mail] = &mails[..] else { panic!("not one mail: {mails:?}") };
    let MailContent::NewSignIn { client, time } = &mail.content else { panic!("{mail:?}") };
    assert_eq!(client.ip_address.to_string(), ELSEWHERE);
    assert!(client.user_agent.starts_with("tonic/"), "{client:?}");
    assert_eq!(*time, world.clock.now());

    assert!(!is_told(&alice.at(ELSEWHERE)).await);
    assert!(!is_told(&alice).await);
    assert!(is_told(&alice.at("2001:db8:1:2::1")).await);
    assert!(!is_told(&alice.at("2001:db8:1:2:3:4:5:6")).await, "the same network");
    assert!(is_told(&alice.at("2001:db8:1:3::1")).await);
}

async fn the_first_sign_in_tells_nothing_new(world: World) {
    let alice = world.person("alice").await;
    assert!(!is_told(&alice.at(ELSEWHERE)).await);
    assert!(is_told(&alice).await);
}

async fn another_program_is_another_place_and_another_version_is_not(world: World) {
    let alice = world.person("alice").await;
    let (old, new) = (program(&world, "app/1.9 (Linux)").await, program(&world, "app/1.10.0 (Linux)").await);
    alice.through(&old).log_in().await.unwrap();
    assert!(!is_told(&alice.through(&new)).await);
    assert!(is_told(&alice.through(&program(&world, "app/1.9 (Windows)").await)).await);
}

async fn a_place_whose_session_was_thrown_out_is_new_again(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    assert!(is_told(&alice.at(ELSEWHERE)).await);
    phone.revoke_others().await.unwrap();
    assert!(!is_told(&alice).await);
    assert!(is_told(&alice.at(ELSEWHERE)).await);
    alice.at(ELSEWHERE).log_in().await.unwrap().log_out().await.unwrap();
    assert!(!is_told(&alice.at(ELSEWHERE)).await, "signing out is no distrust");
}

async fn a_place_is_forgotten_with_its_last_session_and_the_next_sign_in_is_told(world: World) {
    let alice = world.person("alice").await;
    alice.log_in().await.unwrap();
    world.wait(Duration::days(14));
    assert!(!is_told(&alice).await, "the session is over and still on record");
    world.wait(Duration::days(14 + 8));
    world.purge().await;
    assert_eq!(world.count("sessions").await, 0);
    assert!(is_told(&alice).await, "whoever comes after a long time may be somebody else");
}

async fn a_sign_in_that_fails_is_not_told(world: World) {
    let alice = world.person("alice").await;
    alice.log_in().await.unwrap();
    alice.at(ELSEWHERE).guess().await.unwrap_err();
    assert!(alice.mails().await.is_empty());
}

async fn an_address_gets_one_notice_a_minute(world: World) {
    let alice = world.person("alice").await;
    alice.log_in().await.unwrap();
    for number in 1..4 {
        alice.at(&format!("198.51.100.{number}")).log_in().await.unwrap();
    }
    assert_eq!(alice.mail_kinds().await, ["new_sign_in"]);
    world.wait(Duration::minutes(1));
    alice.at("198.51.100.5").log_in().await.unwrap();
    assert_eq!(alice.mail_kinds().await, ["new_sign_in"]);
}

async fn of_parallel_sign_ins_from_a_new_place_one_is_told(world: World) {
    let alice = world.person("alice").await;
    alice.log_in().await.unwrap();
    let elsewhere = alice.at(ELSEWHERE);
    for outcome in join_all((0..8).map(|_| elsewhere.log_in())).await {
        outcome.unwrap();
    }
    assert_eq!(alice.mail_kinds().await, ["new_sign_in"]);
}

/// Whoever signs up with the address of another cannot fill that mailbox.
async fn an_address_that_is_not_proven_gets_no_notice(world: World) {
    let alice = world.stranger("alice");
    alice.register().await.unwrap();
    alice.mails().await;
    assert!(!is_told(&alice).await);
    assert!(!is_told(&alice.at(ELSEWHERE)).await);
}
