//! What the command line of the server does with factors.

use ipse::application::factors::{Removal, Whom};
use ipse::domain::account::email::EmailAddress;
use ipse::domain::account::user::StateReason;
use ipse::domain::audit::{AuditType, SYSTEM};
use ipse::domain::id::UserId;
use ipse::presentation::cli;
use time::Duration;

use crate::support::on_both_backends;
use crate::support::person::Person;
use crate::support::trail::Trail;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    factors_are_listed_without_what_is_secret
    a_removal_waits_until_the_person_had_time_to_stop_it
    a_removal_that_does_not_wait_is_told_afterwards
    who_has_nothing_to_remove_is_told_so
}

fn by_email(person: &Person<'_>) -> Whom {
    Whom::Email(EmailAddress::parse(&person.email).unwrap())
}

async fn reset(world: &World, whom: &Whom, at_once: bool) -> Removal {
    let reason = StateReason::parse("lost the phone").unwrap();
    world.replica().factors.reset_by_system(whom, &reason, at_once).await.unwrap()
}

async fn table(world: &World, whom: &Whom) -> Vec<String> {
    cli::factor_table(world.replica().factors.list_by_system(whom).await.unwrap().as_ref()).unwrap()
}

async fn factors_are_listed_without_what_is_secret(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    let enrolled = phone.enrol_app().await.unwrap();
    world.wait(Duration::seconds(90));
    alice.log_in_with_app(&enrolled.app).await.unwrap().begin_passkey().await.unwrap();
    let rows = table(&world, &by_email(&alice)).await;
    let id = phone.owner().log_in_with_app(&enrolled.app).await.unwrap().me().await.unwrap().user.unwrap().id;
    assert_eq!(table(&world, &Whom::Id(UserId::parse(&id).unwrap())).await.len(), rows.len());
    let short: Vec<String> =
        rows.iter().map(|row| row.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        short,
        [
            "KIND STATE CREATED LAST USED NAME",
            "totp active 2026-03-01T12:00:00Z 2026-03-01T12:02:00Z phone",
            "recovery_codes active 2026-03-01T12:00:00Z - 10 left",
            "passkey pending 2026-03-01T12:02:00Z - -",
        ]
    );
}

async fn a_removal_waits_until_the_person_had_time_to_stop_it(world: World) {
    let alice = world.person("alice").await;
    alice.log_in().await.unwrap().enrol_app().await.unwrap();
    alice.mails().await;
    let mut trail = Trail::from_now_on(&world).await;
    let until = world.now() + Duration::hours(24);
    assert_eq!(reset(&world, &by_email(&alice), false).await, Removal::Ordered(until));
    assert_eq!(alice.mail_kinds().await, ["factor_reset_pending"]);
    world.wait(Duration::hours(23));
    world.do_jobs().await;
    alice.challenge().await;
    world.wait(Duration::hours(2));
    world.do_jobs().await;
    alice.log_in().await.unwrap();
    let events = trail.events().await;
    let told: Vec<_> = events.iter().map(|event| &event.event).filter(|event| event.actor == SYSTEM).collect();
    assert_eq!(
        told.iter().map(|event| event.kind).collect::<Vec<_>>(),
        [AuditType::FactorResetRequested, AuditType::FactorsReset]
    );
    assert_eq!(told[0].reason, "lost the phone");
}

async fn a_removal_that_does_not_wait_is_told_afterwards(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    phone.enrol_app().await.unwrap();
    // One that waits is overtaken.
    reset(&world, &by_email(&alice), false).await;
    alice.mails().await;
    assert_eq!(reset(&world, &by_email(&alice), true).await, Removal::Done);
    assert!(phone.refresh().await.is_err());
    assert_eq!(alice.mail_kinds().await, ["factors_reset"]);
    assert_eq!([world.count("factors").await, world.count("jobs WHERE kind = 'reset_factors'").await], [0, 0]);
    alice.log_in().await.unwrap();
}

async fn who_has_nothing_to_remove_is_told_so(world: World) {
    let alice = world.person("alice").await;
    let nobody = Whom::Id(UserId::NOBODY);
    for at_once in [false, true] {
        assert_eq!(reset(&world, &by_email(&alice), at_once).await, Removal::NothingThere);
        assert_eq!(reset(&world, &nobody, at_once).await, Removal::NobodyThere);
    }
    assert!(world.replica().factors.list_by_system(&nobody).await.unwrap().is_none());
    let root = world.registrar().await;
    alice.log_in().await.unwrap().enrol_app().await.unwrap();
    root.delete(&root.look_up(&alice).await.id).await.unwrap();
    assert_eq!(reset(&world, &by_email(&alice), true).await, Removal::Deleted);
}
