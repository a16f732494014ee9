use ipse::proto::ErrorReason::{ActionTokenInvalid, EmailTaken, FieldInvalid, StepUpRequired};
use time::Duration;

use crate::support::on_both_backends;
use crate::support::person::token_in;
use crate::support::refusal::{reason, refusal};
use crate::support::world::World;

on_both_backends! {
    World::start =>
    the_new_address_counts_once_it_is_confirmed
    both_addresses_are_told
    a_taken_address_shows_only_to_whoever_reads_its_mail
    a_sign_in_of_five_minutes_ago_is_too_old
    tokens_mailed_to_the_old_address_are_void
    a_second_request_replaces_the_first
    a_new_password_voids_a_change_that_was_asked_for
    the_own_address_is_no_change
}

async fn the_new_address_counts_once_it_is_confirmed(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    let moved = world.stranger("moved").with_password(&alice.password);
    phone.change_email(&moved.email).await.unwrap();
    let token = moved.mailed_token().await;
    alice.log_in().await.unwrap();
    assert!(moved.log_in().await.is_err());

    moved.confirm_email_change(&token).await.unwrap();
    moved.log_in().await.unwrap();
    assert!(alice.log_in().await.is_err());
    let user = phone.me().await.unwrap().user.unwrap();
    assert_eq!((user.email.as_str(), user.email_verified), ("moved@example.com", true));
    assert_eq!(reason(moved.confirm_email_change(&token).await), ActionTokenInvalid);
}

async fn both_addresses_are_told(world: World) {
    let alice = world.person("alice").await;
    alice.log_in().await.unwrap().change_email("moved@example.com").await.unwrap();
    let moved = world.stranger("moved");
    let token = moved.mailed_token().await;
    assert_eq!(alice.mail_kinds().await, ["email_change_requested"]);
    alice.confirm_email_change(&token).await.unwrap();
    assert_eq!(alice.mail_kinds().await, ["email_changed"]);
    assert_eq!(moved.mail_kinds().await, ["email_changed"]);
}

async fn a_taken_address_shows_only_to_whoever_reads_its_mail(world: World) {
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    let phone = alice.log_in().await.unwrap();
    phone.change_email(&bob.email).await.unwrap();
    let mails = bob.mails().await;
    assert_eq!(reason(bob.confirm_email_change(&token_in(&mails[0])).await), EmailTaken);
    alice.log_in().await.unwrap();
    bob.log_in().await.unwrap();
}

async fn a_sign_in_of_five_minutes_ago_is_too_old(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    world.wait(Duration::minutes(5));
    phone.change_email("first@example.com").await.unwrap();
    world.wait(Duration::seconds(1));
    let refused = refusal(phone.change_email("second@example.com").await);
    assert_eq!((refused.reason, refused.metadata["max_age"].as_str()), (StepUpRequired, "300"));
    // A refresh is no sign-in.
    assert_eq!(reason(phone.refresh().await.unwrap().change_email("second@example.com").await), StepUpRequired);
}

async fn tokens_mailed_to_the_old_address_are_void(world: World) {
    let alice = world.person("alice").await;
    alice.log_in().await.unwrap().change_email("moved@example.com").await.unwrap();
    let moved = world.stranger("moved");
    let confirmation = moved.mailed_token().await;
    alice.mails().await;
    alice.request_reset().await.unwrap();
    let reset = alice.mailed_token().await;
    moved.confirm_email_change(&confirmation).await.unwrap();
    assert_eq!(reason(alice.reset(&reset, "a password of somebody else").await), ActionTokenInvalid);
}

async fn a_second_request_replaces_the_first(world: World) {
    let phone = world.person("alice").await.log_in().await.unwrap();
    let (first, second) = (world.stranger("first"), world.stranger("second"));
    phone.change_email(&first.email).await.unwrap();
    let void = first.mailed_token().await;
    phone.change_email(&second.email).await.unwrap();
    let valid = second.mailed_token().await;
    assert_eq!(reason(first.confirm_email_change(&void).await), ActionTokenInvalid);
    second.confirm_email_change(&valid).await.unwrap();
}

/// The change was asked for in a stolen session, which the owner then ends in one of two ways.
async fn a_new_password_voids_a_change_that_was_asked_for(world: World) {
    let (alice, thief) = (world.person("alice").await, world.stranger("thief"));
    alice.log_in().await.unwrap().change_email(&thief.email).await.unwrap();
    let void = thief.mailed_token().await;
    alice.mails().await;
    alice.request_reset().await.unwrap();
    alice.reset(&alice.mailed_token().await, "another long way home").await.unwrap();
    assert_eq!(reason(thief.confirm_email_change(&void).await), ActionTokenInvalid);

    world.wait(Duration::minutes(1));
    let alice = alice.with_password("another long way home");
    let phone = alice.log_in().await.unwrap();
    phone.change_email(&thief.email).await.unwrap();
    let void = thief.mailed_token().await;
    phone.change_password(&alice.password, "the shortest way home").await.unwrap();
    assert_eq!(reason(thief.confirm_email_change(&void).await), ActionTokenInvalid);
}

async fn the_own_address_is_no_change(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    for address in ["ALICE@Example.com", "", "not an address"] {
        let refused = refusal(phone.change_email(address).await);
        assert_eq!((refused.reason, refused.fields), (FieldInvalid, vec!["new_email".to_owned()]));
    }
    assert!(alice.mails().await.is_empty());
}
