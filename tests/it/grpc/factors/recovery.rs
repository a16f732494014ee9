//! Recovery codes, and support for those who have lost everything.

use futures_util::future::join_all;
use ipse::proto::ErrorReason::{ActionTokenInvalid, FieldInvalid, MfaCodeInvalid, PermissionMissing, UserStateInvalid};
use ipse::proto::StopFactorResetRequest;
use ipse::proto::complete_mfa_request::Proof;
use time::Duration;

use crate::support::database::Backend;
use crate::support::factors::Enrolled;
use crate::support::on_both_backends;
use crate::support::operator::Operator;
use crate::support::person::{Device, Person};
use crate::support::refusal::{reason, refusal};
use crate::support::registrar::Registrar;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    a_recovery_code_stands_in_for_a_factor_once
    of_fifty_uses_of_one_recovery_code_one_succeeds
    new_recovery_codes_void_those_from_before
    support_removes_factors_after_a_time_in_which_the_person_stops_it
    a_removal_ordered_again_waits_from_then_on
    who_signs_in_with_a_factor_has_not_lost_it
    support_resets_nobody_more_powerful_and_not_itself
    who_has_no_factors_is_not_told_that_they_are_gone
}

on_both_backends! {
    without_delay =>
    support_removes_factors_at_once_where_the_operator_wants_that
}

async fn without_delay(backend: Backend) -> World {
    World::with(backend, &["FACTOR_RESET_DELAY=0s"]).await
}

fn recovery(code: &str) -> Proof {
    Proof::RecoveryCode(code.to_owned())
}

async fn enrolled<'w>(world: &'w World, name: &str) -> (Person<'w>, Enrolled) {
    let person = world.person(name).await;
    let enrolled = person.log_in().await.unwrap().enrol_app().await.unwrap();
    world.wait(Duration::minutes(1));
    person.mails().await;
    (person, enrolled)
}

async fn a_recovery_code_stands_in_for_a_factor_once(world: World) {
    let (alice, Enrolled { recovery_codes: codes, .. }) = enrolled(&world, "alice").await;
    let phone = alice.answer(&alice.challenge().await, recovery(&codes[3])).await.unwrap();
    assert_eq!(phone.level(), ("urn:ipse:aal:2".to_owned(), ["pwd", "otp", "mfa"].map(str::to_owned).to_vec()));
    assert_eq!(alice.mail_kinds().await, ["factors_changed"]);
    assert_eq!(reason(alice.answer(&alice.challenge().await, recovery(&codes[3])).await), MfaCodeInvalid);
    let left = phone.factors().await.unwrap().remove(1);
    let Some(ipse::proto::factor::Details::RecoveryCodes(details)) = left.details else { panic!() };
    assert_eq!(details.remaining, 9);
    // As people write and read it.
    let typed = codes[4].to_uppercase().replace('-', " ");
    alice.answer(&alice.challenge().await, recovery(&typed)).await.unwrap();
    for wrong in ["", "0000-0000-0000-0000", "not a code", &"x".repeat(65)] {
        let refused = alice.answer(&alice.challenge().await, recovery(wrong)).await;
        let expected = if wrong.is_empty() || wrong.len() > 64 { FieldInvalid } else { MfaCodeInvalid };
        assert_eq!(reason(refused), expected, "{wrong}");
        world.wait(Duration::hours(2));
    }
}

async fn of_fifty_uses_of_one_recovery_code_one_succeeds(world: World) {
    let (alice, Enrolled { recovery_codes: codes, .. }) = enrolled(&world, "alice").await;
    let other = world.another_replica().await;
    let mut challenges = Vec::new();
    for number in 0..50 {
        let alice = if number % 2 == 0 { alice.clone() } else { alice.through(&other.channel) };
        challenges.push((alice.challenge().await, alice));
    }
    let answers = challenges.iter().map(|(challenge, alice)| alice.answer(challenge, recovery(&codes[0])));
    let answers: Vec<_> = join_all(answers).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    other.stop().await;
}

async fn new_recovery_codes_void_those_from_before(world: World) {
    let (alice, Enrolled { app, recovery_codes: old, .. }) = enrolled(&world, "alice").await;
    let phone = alice.log_in_with_app(&app).await.unwrap();
    let new = phone.new_recovery_codes().await.unwrap();
    assert_eq!(new.len(), 10);
    assert!(new.iter().all(|code| !old.contains(code)));
    assert_eq!(reason(alice.answer(&alice.challenge().await, recovery(&old[0])).await), MfaCodeInvalid);
    alice.answer(&alice.challenge().await, recovery(&new[0])).await.unwrap();
}

async fn stop(person: &Person<'_>, token: &str) -> Result<(), tonic::Status> {
    let request = StopFactorResetRequest { token: token.to_owned(), request_id: String::new() };
    person.auth().stop_factor_reset(person.request(request)).await.map(|_| ())
}

async fn support_removes_factors_after_a_time_in_which_the_person_stops_it(world: World) {
    let root = world.registrar().await;
    let (alice, Enrolled { app, .. }) = enrolled(&world, "alice").await;
    let id = root.look_up(&alice).await.id;
    assert_eq!(refusal(root.reset_factors(&id, "").await).fields, ["reason"]);
    let reset_time = root.reset_factors(&id, "lost the phone").await.unwrap().unwrap();
    assert_eq!(reset_time.seconds, (world.now() + Duration::hours(24)).unix_timestamp());
    let (kinds, token) = alice.mailed_kinds_and_token().await;
    assert_eq!(kinds, ["factor_reset_pending"]);
    stop(&alice, &token).await.unwrap();
    assert_eq!(reason(stop(&alice, &token).await), ActionTokenInvalid);
    world.wait(Duration::hours(25));
    world.do_jobs().await;
    let phone = alice.log_in_with_app(&app).await.unwrap();

    let root = Registrar(root.0.refresh().await.unwrap());
    root.reset_factors(&id, "lost the phone").await.unwrap();
    world.wait(Duration::hours(23));
    world.do_jobs().await;
    alice.challenge().await;
    alice.mails().await;
    world.wait(Duration::hours(2));
    world.do_jobs().await;
    assert!(phone.refresh().await.is_err());
    assert_eq!(alice.log_in().await.unwrap().level().0, "urn:ipse:aal:1");
    assert_eq!(alice.mail_kinds().await, ["factors_reset"]);
}

async fn a_removal_ordered_again_waits_from_then_on(world: World) {
    let root = world.registrar().await;
    let (alice, _) = enrolled(&world, "alice").await;
    let id = root.look_up(&alice).await.id;
    root.reset_factors(&id, "lost the phone").await.unwrap();
    world.wait(Duration::hours(20));
    let root = Registrar(root.0.refresh().await.unwrap());
    let again = root.reset_factors(&id, "asks once more").await.unwrap().unwrap();
    assert_eq!(again.seconds, (world.now() + Duration::hours(24)).unix_timestamp());
    alice.mails().await;
    world.wait(Duration::hours(23));
    world.do_jobs().await;
    alice.challenge().await;
    world.wait(Duration::hours(2));
    world.do_jobs().await;
    alice.log_in().await.unwrap();
}

async fn who_signs_in_with_a_factor_has_not_lost_it(world: World) {
    let root = world.registrar().await;
    let (alice, Enrolled { app, .. }) = enrolled(&world, "alice").await;
    let id = root.look_up(&alice).await.id;
    root.reset_factors(&id, "says that the phone is lost").await.unwrap();
    alice.log_in_with_app(&app).await.unwrap();
    world.wait(Duration::hours(25));
    world.do_jobs().await;
    alice.challenge().await;
}

async fn support_resets_nobody_more_powerful_and_not_itself(world: World) {
    let root = world.registrar().await;
    let (alice, _) = enrolled(&world, "alice").await;
    Operator(root.0.clone()).create("helpdesk", &["factors.reset", "users.read"]).await.unwrap();
    let support = Registrar(world.person_with_role("helen", "helpdesk").await);
    let (id, root_id) = (root.look_up(&alice).await.id, Operator(root.0.clone()).id().await);
    assert_eq!(reason(support.reset_factors(&root_id, "x").await), PermissionMissing);
    assert_eq!(reason(root.reset_factors(&root_id, "x").await), PermissionMissing);
    support.reset_factors(&id, "x").await.unwrap();
    root.delete(&id).await.unwrap();
    assert_eq!(reason(support.reset_factors(&id, "x").await), UserStateInvalid);
    assert_eq!(support.factors_of(&id).await.unwrap().len(), 2);
}

async fn who_has_no_factors_is_not_told_that_they_are_gone(world: World) {
    let root = world.registrar().await;
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    alice.mails().await;
    let id = root.look_up(&alice).await.id;
    assert_eq!(root.reset_factors(&id, "lost the phone").await.unwrap(), None);
    phone.me().await.unwrap();
    assert_eq!(alice.mail_kinds().await, [""; 0]);
    assert_eq!(world.count("jobs WHERE kind = 'reset_factors'").await, 0);
}

async fn support_removes_factors_at_once_where_the_operator_wants_that(world: World) {
    let root = world.registrar().await;
    let (alice, Enrolled { app, .. }) = enrolled(&world, "alice").await;
    let phone: Device<'_> = alice.log_in_with_app(&app).await.unwrap();
    alice.mails().await;
    let id = root.look_up(&alice).await.id;
    assert_eq!(root.reset_factors(&id, "lost the phone").await.unwrap(), None);
    assert!(phone.me().await.is_err() && phone.refresh().await.is_err());
    assert_eq!(alice.mail_kinds().await, ["factors_reset"]);
    assert_eq!(root.factors_of(&id).await.unwrap().len(), 0);
    alice.log_in().await.unwrap();
}
