use std::collections::HashSet;

use futures_util::future::join_all;
use ipse::application::ports::{Clock as _, Lease};
use ipse::domain::account::profile::Locale;
use ipse::domain::id::LeaseId;
use ipse::proto::auth_service_client::AuthServiceClient;
use ipse::proto::{RegisterRequest, VerifyEmailRequest};
use time::Duration;

use crate::support::letterbox::Service;
use crate::support::on_both_backends;
use crate::support::person::token_in;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    a_mail_goes_where_and_how_the_person_said
    a_refused_call_writes_no_mail
    a_failing_mail_server_delays_mail_and_loses_none
    a_mail_is_given_up_after_a_day
    a_mail_that_is_refused_for_good_is_not_tried_again
    a_worker_that_dies_loses_no_mail
    each_mail_is_sent_once_however_many_send
    mail_outlives_a_restart
}

/// What is not given up, of jobs.
const WAITING: &str = "jobs WHERE dead_time IS NULL";

async fn a_mail_goes_where_and_how_the_person_said(world: World) {
    let mut client = AuthServiceClient::new(world.replica().channel.clone());
    let request = RegisterRequest {
        email: "Ada.L@Bücher.example".to_owned(),
        password: "the long way home of ada".to_owned(),
        display_name: "Ada {{7*7}} <b>".to_owned(),
        locale: "fr".to_owned(),
        ..RegisterRequest::default()
    };
    client.register(request).await.unwrap();
    let [mail] = &world.mails().await[..] else { panic!("one mail") };
    assert_eq!(mail.recipient.written(), "Ada.L@xn--bcher-kva.example");
    // Nobody has proven the address yet: whoever it belongs to reads no words of somebody else.
    assert_eq!(mail.display_name.as_str(), "");
    assert_eq!(mail.locale.as_ref().map(Locale::as_str), Some("fr"));
    assert_eq!(mail.content.kind(), "verify_email");
    assert!(token_in(mail).len() >= 32);
    client.verify_email(VerifyEmailRequest { token: token_in(mail), request_id: String::new() }).await.unwrap();
    let [welcome] = &world.mails().await[..] else { panic!("one mail") };
    assert_eq!((welcome.content.kind(), welcome.display_name.as_str()), ("welcome", "Ada {{7*7}} <b>"));
}

async fn a_refused_call_writes_no_mail(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    alice.with_password("short").register().await.unwrap_err();
    alice.reset("invented", "another long way home").await.unwrap_err();
    phone.change_password("not the password", "another long way home").await.unwrap_err();
    phone.change_password(&alice.password, "short").await.unwrap_err();
    assert_eq!(world.count("jobs").await, 0);
}

async fn a_failing_mail_server_delays_mail_and_loses_none(world: World) {
    world.letterbox.set(Service::Closed);
    let alice = world.stranger("alice");
    alice.register().await.unwrap();
    let mut ids = HashSet::new();
    for pause in [5, 10, 20, 40, 80, 160, 320, 640, 1280, 1800, 1800] {
        world.deliver_mail().await;
        let tries = world.letterbox.tries();
        assert_eq!(tries.len(), 1, "before the pause of {pause} s");
        ids.extend(tries);
        world.wait(Duration::seconds(pause) - Duration::MICROSECOND);
        world.deliver_mail().await;
        assert!(world.letterbox.tries().is_empty(), "{pause} s are not over");
        world.wait(Duration::MICROSECOND);
    }
    world.letterbox.set(Service::Open);
    let [mail] = &world.mails().await[..] else { panic!("one mail") };
    ids.insert(mail.id);
    assert_eq!(ids.len(), 1, "the same mail each time");
    alice.verify(&token_in(mail)).await.unwrap();
    assert_eq!(alice.mail_kinds().await, ["welcome"]);
    assert_eq!(world.count("jobs").await, 0);
}

async fn a_mail_is_given_up_after_a_day(world: World) {
    let alice = world.person("alice").await;
    world.letterbox.set(Service::Closed);
    // Tells that the address is taken: a mail with a token is given up when the token expires.
    alice.register().await.unwrap();
    for _ in 0..47 {
        world.deliver_mail().await;
        world.wait(Duration::minutes(30));
    }
    world.wait(Duration::minutes(30) - Duration::MICROSECOND);
    world.deliver_mail().await;
    assert_eq!(world.count(WAITING).await, 1);
    world.wait(Duration::minutes(30));
    world.deliver_mail().await;
    assert_eq!(world.count(WAITING).await, 0);
    world.letterbox.set(Service::Open);
    assert!(world.mails().await.is_empty());
}

async fn a_mail_that_is_refused_for_good_is_not_tried_again(world: World) {
    world.letterbox.set(Service::Moved);
    world.stranger("alice").register().await.unwrap();
    world.deliver_mail().await;
    assert_eq!(world.letterbox.tries().len(), 1);
    assert_eq!(world.count(WAITING).await, 0);
    world.wait(Duration::days(1));
    world.deliver_mail().await;
    assert!(world.letterbox.tries().is_empty());
}

async fn a_worker_that_dies_loses_no_mail(world: World) {
    let alice = world.stranger("alice");
    alice.register().await.unwrap();
    // What a worker does before it hands the mail over.
    let now = world.clock.now();
    let tx = world.store().write().await.unwrap();
    let lease = Lease { id: LeaseId::new(now, &[1; 10]), begin: now, end: now + Duration::minutes(5) };
    let claimed = tx.jobs().claim_jobs("mail.token", &lease, 1).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(claimed.len(), 1);
    world.wait(Duration::minutes(5) - Duration::MICROSECOND);
    assert!(world.mails().await.is_empty());
    world.wait(Duration::MICROSECOND);
    alice.verify(&alice.mailed_token().await).await.unwrap();
}

async fn each_mail_is_sent_once_however_many_send(world: World) {
    for number in 0..12 {
        world.stranger(&format!("person{number}")).register().await.unwrap();
    }
    let replica = world.another_replica().await;
    let workers = (0..4).map(|_| &replica).chain((0..4).map(|_| world.replica()));
    join_all(workers.map(async |replica| replica.deliver_mail().await)).await;
    let tries = world.letterbox.tries();
    assert_eq!(tries.len(), 12);
    assert_eq!(tries.into_iter().collect::<HashSet<_>>().len(), 12);
    replica.stop().await;
}

async fn mail_outlives_a_restart(world: World) {
    world.stranger("alice").register().await.unwrap();
    let world = world.restart().await;
    let alice = world.stranger("alice");
    alice.verify(&alice.mailed_token().await).await.unwrap();
}
