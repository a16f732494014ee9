//! Work for later: that lanes do not stop each other, what is given up, and what is done again and again.

use ipse::application::jobs::{JobKind, JobOutcome, Lane, LaneRunner};
use ipse::application::ports::{Clock as _, ListedJob};
use ipse::domain::id::JobId;
use ipse::domain::mail::MailContent;
use time::Duration;

use crate::support::database::Backend;
use crate::support::dump::{contains, dump};
use crate::support::hex::hex;
use crate::support::letterbox::Service;
use crate::support::on_both_backends;
use crate::support::person::token_in;
use crate::support::world::{Replica, World};

on_both_backends! {
    World::start =>
    a_stuck_lane_stops_no_other
    what_a_job_carries_is_sealed
    a_dead_letter_is_listed_and_tried_again
    all_dead_letters_are_tried_again
    a_mail_whose_token_has_expired_is_not_sent
    dead_letters_stay_on_record_for_thirty_days
    what_is_done_again_and_again_is_one_job_of_all_replicas
    what_is_done_again_and_again_comes_back_after_a_failure
    a_job_of_a_later_version_waits_for_it
}

async fn dead(world: &World) -> Vec<ListedJob> {
    world.replica().jobs.list_jobs(true, 100).await.unwrap()
}

fn count(replica: &Replica, kind: JobKind, outcome: JobOutcome) -> u64 {
    replica.jobs.attempts().find(|&(of, became, _)| of == kind && became == outcome).expect("every one is counted").2
}

async fn a_stuck_lane_stops_no_other(world: World) {
    let people = [world.person("alice").await, world.person("bob").await, world.person("carol").await];
    world.letterbox.set(Service::StuckForNotices);
    for person in &people {
        person.register().await.unwrap();
    }
    people[0].request_reset().await.unwrap();
    world.letterbox.tries();
    let [notices, tokens] =
        [Lane::NoticeMail, Lane::TokenMail].map(|lane| LaneRunner::new(world.replica().jobs.clone(), lane));
    let stuck = tokio::spawn(async move { notices.start_due().await });
    let mut tried = 0;
    while tried < Lane::NoticeMail.workers() {
        tried += world.letterbox.tries().len();
        tokio::task::yield_now().await;
    }
    assert!(!stuck.is_finished(), "the third notice waits for a worker");
    tokens.start_due().await.unwrap();
    loop {
        if let [mail] = &world.letterbox.take(|_| true)[..] {
            assert!(matches!(mail.content, MailContent::ResetPassword { .. }));
            break;
        }
        tokio::task::yield_now().await;
    }
    stuck.abort();
}

async fn what_a_job_carries_is_sealed(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    phone.change_email("new.canary@example.com").await.unwrap();
    alice.request_reset().await.unwrap();
    assert_eq!(world.count("jobs WHERE sealed").await, 3);
    let before = dump(&world).await;
    let mails = world.mails().await;
    assert_eq!(mails.len(), 3);
    for token in mails.iter().filter(|mail| mail.content.carries_token()).map(token_in) {
        assert!(!contains(&before, token.as_bytes()));
    }
    assert!(mails.iter().any(|mail| mail.recipient.written() == "new.canary@example.com"));
    let mut outsider = world.database.outsider().await;
    alice.request_reset().await.unwrap();
    let payload = match world.database.backend {
        Backend::Sqlite => "SELECT hex(payload) AS value FROM jobs",
        Backend::Postgres => "SELECT upper(encode(payload, 'hex')) AS value FROM jobs",
    };
    for payload in outsider.values(payload).await {
        let plain: String = hex(b"alice@example.com").to_uppercase();
        assert!(!payload.contains(&plain));
    }
}

async fn a_dead_letter_is_listed_and_tried_again(world: World) {
    let alice = world.stranger("alice");
    world.letterbox.set(Service::Moved);
    alice.register().await.unwrap();
    world.deliver_mail().await;
    let [letter] = &dead(&world).await[..] else { panic!("one dead letter") };
    assert_eq!((letter.kind.as_str(), letter.lane.as_str(), letter.attempts), ("token_mail", "mail.token", 1));
    assert_eq!(letter.last_error.as_deref(), Some("the letterbox has moved"));
    assert_eq!(letter.dead_time, Some(world.clock.now()));

    let jobs = &world.replica().jobs;
    assert!(!jobs.retry_job(JobId::NOBODY).await.unwrap());
    world.letterbox.set(Service::Closed);
    assert!(jobs.retry_job(letter.id).await.unwrap());
    assert!(!jobs.retry_job(letter.id).await.unwrap(), "it waits already");
    world.deliver_mail().await;
    assert!(dead(&world).await.is_empty(), "it is tried again like a new one");
    world.letterbox.set(Service::Open);
    world.wait(Duration::seconds(5));
    alice.verify(&alice.mailed_token().await).await.unwrap();
}

async fn all_dead_letters_are_tried_again(world: World) {
    let alice = world.person("alice").await;
    world.letterbox.set(Service::Moved);
    alice.register().await.unwrap();
    world.stranger("bob").register().await.unwrap();
    world.deliver_mail().await;
    assert_eq!(dead(&world).await.len(), 2);
    world.wait(Duration::hours(7));
    world.letterbox.set(Service::Open);
    assert_eq!(world.replica().jobs.retry_all_jobs().await.unwrap(), 2);
    assert_eq!(world.replica().jobs.retry_all_jobs().await.unwrap(), 0);
    assert_eq!(alice.mail_kinds().await, ["already_registered"]);
    assert_eq!(world.stranger("bob").mail_kinds().await, ["verify_email"]);
    assert_eq!(world.count("jobs").await, 0);
}

async fn a_mail_whose_token_has_expired_is_not_sent(world: World) {
    let alice = world.person("alice").await;
    alice.request_reset().await.unwrap();
    world.wait(Duration::hours(1) - Duration::MICROSECOND);
    world.letterbox.set(Service::Closed);
    world.deliver_mail().await;
    world.wait(Duration::seconds(5));
    world.letterbox.set(Service::Open);
    assert!(world.mails().await.is_empty());
    for _ in 0..2 {
        let [letter] = &dead(&world).await[..] else { panic!("one dead letter") };
        assert_eq!(letter.last_error.as_deref(), Some("the token in the mail has expired"));
        assert!(world.replica().jobs.retry_job(letter.id).await.unwrap());
        assert!(world.mails().await.is_empty());
    }
}

async fn dead_letters_stay_on_record_for_thirty_days(world: World) {
    let alice = world.person("alice").await;
    world.letterbox.set(Service::Moved);
    alice.register().await.unwrap();
    world.deliver_mail().await;
    world.wait(Duration::days(30));
    world.purge().await;
    assert_eq!(dead(&world).await.len(), 1);
    world.wait(Duration::MICROSECOND);
    world.purge().await;
    assert_eq!(world.count("jobs").await, 0);
}

async fn what_is_done_again_and_again_is_one_job_of_all_replicas(world: World) {
    let other = world.another_replica().await;
    for replica in [world.replica(), &other, world.replica()] {
        replica.jobs.look_over().await.unwrap();
    }
    let jobs = world.replica().jobs.list_jobs(false, 100).await.unwrap();
    let mut kinds: Vec<&str> = jobs.iter().map(|job| job.kind.as_str()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["purge", "rotate_keys"]);

    let run = async |replica: &Replica| while replica.jobs.run_next(Lane::Upkeep).await.unwrap() {};
    tokio::join!(run(world.replica()), run(&other));
    let done = |kind| count(world.replica(), kind, JobOutcome::Done) + count(&other, kind, JobOutcome::Done);
    assert_eq!([JobKind::Purge, JobKind::RotateKeys].map(done), [1, 1]);
    world.wait(Duration::minutes(1));
    run(&other).await;
    assert_eq!([JobKind::Purge, JobKind::RotateKeys].map(done), [1, 2]);
    world.wait(Duration::minutes(9));
    run(world.replica()).await;
    assert_eq!([JobKind::Purge, JobKind::RotateKeys].map(done), [2, 3]);
    assert_eq!(world.count("jobs").await, 2);
    other.stop().await;
}

async fn what_is_done_again_and_again_comes_back_after_a_failure(world: World) {
    world.replica().jobs.look_over().await.unwrap();
    let mut outsider = world.database.outsider().await;
    outsider.execute("ALTER TABLE throttles RENAME TO elsewhere").await;
    let purges = |outcome| count(world.replica(), JobKind::Purge, outcome);
    for failures in 1..=20 {
        while world.replica().jobs.run_next(Lane::Upkeep).await.unwrap() {}
        assert_eq!(purges(JobOutcome::Retried), failures);
        world.wait(Duration::minutes(10));
    }
    outsider.execute("ALTER TABLE elsewhere RENAME TO throttles").await;
    while world.replica().jobs.run_next(Lane::Upkeep).await.unwrap() {}
    assert_eq!((purges(JobOutcome::Done), purges(JobOutcome::GivenUp)), (1, 0));
}

async fn a_job_of_a_later_version_waits_for_it(world: World) {
    let alice = world.stranger("alice");
    alice.register().await.unwrap();
    let mut outsider = world.database.outsider().await;
    outsider.execute("UPDATE jobs SET kind = 'carrier_pigeon'").await;
    assert!(world.mails().await.is_empty());
    assert!(dead(&world).await.is_empty());
    outsider.execute("UPDATE jobs SET kind = 'token_mail'").await;
    world.wait(Duration::minutes(1));
    alice.verify(&alice.mailed_token().await).await.unwrap();
}
