use futures_util::future::join_all;
use ipse::proto::ErrorReason::{AccountDisabled, ActionTokenInvalid};
use ipse::proto::UserState;
use time::Duration;

use crate::support::database::Backend;
use crate::support::on_both_backends;
use crate::support::person::token_in;
use crate::support::refusal::reason;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    the_mailed_token_opens_the_account_once
    a_token_is_valid_for_eight_hours
    a_token_is_for_one_purpose
    of_parallel_proofs_exactly_one_counts
    another_token_replaces_the_one_before
    an_address_gets_one_mail_a_minute_and_five_an_hour
    only_who_waits_for_a_proof_gets_another_token
    the_proof_does_not_lift_a_suspension
    whoever_proves_an_address_is_welcomed_once
}

on_both_backends! {
    unverified_may_sign_in =>
    an_operator_may_let_people_in_before_the_proof
}

async fn unverified_may_sign_in(backend: Backend) -> World {
    World::with(backend, &["UNVERIFIED_SIGN_IN=true", "VERIFICATION_LIFETIME=1m"]).await
}

async fn the_mailed_token_opens_the_account_once(world: World) {
    let alice = world.stranger("alice");
    alice.register().await.unwrap();
    let token = alice.mailed_token().await;
    assert_eq!(reason(alice.verify(&token.to_lowercase()).await), ActionTokenInvalid);
    alice.verify(&token).await.unwrap();
    assert_eq!(reason(alice.verify(&token).await), ActionTokenInvalid);
    let user = alice.log_in().await.unwrap().me().await.unwrap().user.unwrap();
    assert!(user.email_verified);
    assert_eq!(user.state(), UserState::Active);
}

async fn a_token_is_valid_for_eight_hours(world: World) {
    let (alice, bob) = (world.stranger("alice"), world.stranger("bob"));
    alice.register().await.unwrap();
    bob.register().await.unwrap();
    let (of_alice, of_bob) = (alice.mailed_token().await, bob.mailed_token().await);
    world.wait(Duration::hours(8) - Duration::MICROSECOND);
    alice.verify(&of_alice).await.unwrap();
    world.wait(Duration::MICROSECOND);
    assert_eq!(reason(bob.verify(&of_bob).await), ActionTokenInvalid);
}

async fn a_token_is_for_one_purpose(world: World) {
    let alice = world.stranger("alice");
    alice.register().await.unwrap();
    let proof = alice.mailed_token().await;
    alice.request_reset().await.unwrap();
    let reset = alice.mailed_token().await;
    assert_eq!(reason(alice.verify(&reset).await), ActionTokenInvalid);
    assert_eq!(reason(alice.reset(&proof, "another long way home").await), ActionTokenInvalid);
    alice.verify(&proof).await.unwrap();
    alice.reset(&reset, "another long way home").await.unwrap();
}

async fn of_parallel_proofs_exactly_one_counts(world: World) {
    let alice = world.stranger("alice");
    alice.register().await.unwrap();
    let token = alice.mailed_token().await;
    let outcomes = join_all((0..16).map(|_| alice.verify(&token))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for refused in outcomes.into_iter().filter(Result::is_err) {
        assert_eq!(reason(refused), ActionTokenInvalid);
    }
}

async fn another_token_replaces_the_one_before(world: World) {
    let alice = world.stranger("alice");
    alice.register().await.unwrap();
    let first = alice.mailed_token().await;
    world.wait(Duration::minutes(1));
    alice.resend_verification().await.unwrap();
    let second = alice.mailed_token().await;
    assert_eq!(reason(alice.verify(&first).await), ActionTokenInvalid);
    alice.verify(&second).await.unwrap();
}

async fn an_address_gets_one_mail_a_minute_and_five_an_hour(world: World) {
    let alice = world.stranger("alice");
    alice.register().await.unwrap();
    let mut token = alice.mailed_token().await;
    for wanted in [0, 1, 0, 1, 0, 1, 0, 1, 0, 0] {
        world.wait(Duration::seconds(30));
        alice.resend_verification().await.unwrap();
        let tokens: Vec<_> = alice.mails().await.iter().map(token_in).collect();
        assert_eq!(tokens.len(), wanted);
        token = tokens.into_iter().next().unwrap_or(token);
    }
    alice.verify(&token).await.unwrap();
}

async fn only_who_waits_for_a_proof_gets_another_token(world: World) {
    let active = world.person("active").await;
    let suspended = world.person("suspended").await;
    world.suspend(&suspended.email).await;
    let nobody = world.stranger("nobody");
    for (person, told) in [(active, Some("already_registered")), (suspended, Some("account_suspended")), (nobody, None)]
    {
        world.wait(Duration::hours(1));
        person.resend_verification().await.unwrap();
        assert_eq!(person.mail_kinds().await, Vec::from_iter(told), "{}", person.email);
    }
}

async fn the_proof_does_not_lift_a_suspension(world: World) {
    let alice = world.stranger("alice");
    alice.register().await.unwrap();
    world.suspend(&alice.email).await;
    alice.verify(&alice.mailed_token().await).await.unwrap();
    assert_eq!(reason(alice.log_in().await), AccountDisabled);
}

async fn whoever_proves_an_address_is_welcomed_once(world: World) {
    let alice = world.stranger("alice");
    alice.register().await.unwrap();
    let token = alice.mailed_token().await;
    alice.verify(&token).await.unwrap();
    assert_eq!(alice.mail_kinds().await, ["welcome"]);
    alice.verify(&token).await.unwrap_err();

    let moved = world.stranger("moved");
    alice.log_in().await.unwrap().change_email(&moved.email).await.unwrap();
    moved.confirm_email_change(&moved.mailed_token().await).await.unwrap();
    assert_eq!(moved.mail_kinds().await, ["email_changed"], "another address is no new account");
    assert_eq!(alice.mail_kinds().await, ["email_change_requested", "email_changed"]);

    let suspended = world.stranger("suspended");
    suspended.register().await.unwrap();
    world.suspend(&suspended.email).await;
    suspended.verify(&suspended.mailed_token().await).await.unwrap();
    assert!(world.mails().await.is_empty(), "nobody is welcomed to a suspended account");
}

async fn an_operator_may_let_people_in_before_the_proof(world: World) {
    let alice = world.stranger("alice");
    alice.register().await.unwrap();
    let phone = alice.log_in().await.unwrap();
    let user = phone.me().await.unwrap().user.unwrap();
    assert!(!user.email_verified);
    assert_eq!(user.state(), UserState::Pending);
    let token = alice.mailed_token().await;
    world.wait(Duration::minutes(1));
    assert_eq!(reason(alice.verify(&token).await), ActionTokenInvalid, "after the minute that was set");
    alice.resend_verification().await.unwrap();
    alice.verify(&alice.mailed_token().await).await.unwrap();
    assert!(phone.me().await.unwrap().user.unwrap().email_verified);
}
