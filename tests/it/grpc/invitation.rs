use futures_util::future::join_all;
use ipse::application::ports::Clock as _;
use ipse::domain::account::email::EmailAddress;
use ipse::domain::account::profile::DisplayName;
use ipse::domain::account::user::{SignUp, User};
use ipse::domain::id::UserId;
use ipse::domain::token::action_token;
use ipse::domain::token::action_token::{ActionPurpose, ActionToken};
use ipse::proto::ErrorReason::{ActionTokenInvalid, CredentialsInvalid, PasswordTooShort};
use ipse::proto::UserState;
use time::Duration;

use crate::support::on_both_backends;
use crate::support::person::Person;
use crate::support::refusal::reason;
use crate::support::world::World;

const TOKEN: &str = "an invitation token of the test";

on_both_backends! {
    World::start =>
    an_invitation_sets_the_first_password_once_and_opens_the_account
    an_invitation_is_for_one_purpose_and_expires
    of_parallel_redemptions_exactly_one_counts
    a_refused_password_does_not_use_an_invitation_up
    a_reset_voids_an_invitation_and_an_invitation_a_reset
    a_new_password_voids_an_invitation
    a_change_of_address_voids_an_invitation
    a_suspended_or_deleted_account_cannot_be_accepted
    nobody_takes_an_invited_account_by_signing_up_with_its_address
    an_invited_person_may_prove_the_address_first
}

/// Stores an account that waits for its first password, as an operator makes one, and its invitation.
async fn invited<'w>(world: &'w World, name: &str) -> Person<'w> {
    let person = world.stranger(name);
    let now = world.clock.now();
    let who = SignUp {
        email: EmailAddress::parse(&person.email).unwrap(),
        username: None,
        display_name: DisplayName::default(),
        locale: None,
    };
    let user = User::provision(UserId::new(now, &[7; 10]), who, false, now);
    let tx = world.store().write().await.unwrap();
    tx.users().insert_user(&user).await.unwrap();
    tx.commit().await.unwrap();
    invite(world, user.id).await;
    person
}

async fn invite(world: &World, user_id: UserId) {
    let (create_time, purpose) = (world.clock.now(), ActionPurpose::AcceptInvitation);
    let (digest, expire_time) = (action_token::digest(TOKEN), create_time + Duration::hours(24));
    let token = ActionToken { user_id, purpose, new_email: None, digest, create_time, expire_time };
    let tx = world.store().write().await.unwrap();
    tx.action_tokens().put_action_token(&token).await.unwrap();
    tx.commit().await.unwrap();
}

/// Invites somebody who has an account already.
async fn invite_again(world: &World, person: &Person<'_>) {
    let email = EmailAddress::parse(&person.email).unwrap();
    let user = world.store().read().await.unwrap().users().find_by_email(&email).await.unwrap().unwrap();
    invite(world, user.id).await;
}

async fn an_invitation_sets_the_first_password_once_and_opens_the_account(world: World) {
    let alice = invited(&world, "alice").await;
    assert_eq!(reason(alice.log_in().await), CredentialsInvalid, "there is no password yet");
    alice.reset(TOKEN, &alice.password).await.unwrap();
    assert_eq!(alice.mail_kinds().await, ["welcome"]);
    let user = alice.log_in().await.unwrap().me().await.unwrap().user.unwrap();
    assert!(user.email_verified);
    assert_eq!(user.state(), UserState::Active);
    assert_eq!(reason(alice.reset(TOKEN, "another long way home").await), ActionTokenInvalid);
    alice.log_in().await.unwrap();
    assert!(world.mails().await.is_empty());
}

async fn an_invitation_is_for_one_purpose_and_expires(world: World) {
    let alice = invited(&world, "alice").await;
    assert_eq!(reason(alice.verify(TOKEN).await), ActionTokenInvalid);
    assert_eq!(reason(alice.confirm_email_change(TOKEN).await), ActionTokenInvalid);
    world.wait(Duration::hours(24));
    assert_eq!(reason(alice.reset(TOKEN, &alice.password).await), ActionTokenInvalid);
}

async fn of_parallel_redemptions_exactly_one_counts(world: World) {
    let alice = invited(&world, "alice").await;
    let passwords: Vec<_> = (0..8).map(|number| format!("the password number {number}")).collect();
    let outcomes = join_all(passwords.iter().map(|password| alice.reset(TOKEN, password))).await;
    let winner = outcomes.iter().position(Result::is_ok).expect("somebody redeems it");
    alice.with_password(&passwords[winner]).log_in().await.unwrap();
    for (number, outcome) in outcomes.into_iter().enumerate().filter(|(number, _)| *number != winner) {
        assert_eq!(reason(outcome), ActionTokenInvalid, "{number}");
    }
    assert_eq!(alice.mail_kinds().await, ["welcome"]);
}

async fn a_refused_password_does_not_use_an_invitation_up(world: World) {
    let alice = invited(&world, "alice").await;
    assert_eq!(reason(alice.reset(TOKEN, "too short").await), PasswordTooShort);
    alice.reset(TOKEN, &alice.password).await.unwrap();
}

async fn a_reset_voids_an_invitation_and_an_invitation_a_reset(world: World) {
    let alice = invited(&world, "alice").await;
    alice.request_reset().await.unwrap();
    alice.reset(&alice.mailed_token().await, &alice.password).await.unwrap();
    assert_eq!(alice.mail_kinds().await, ["password_changed", "welcome"]);
    assert_eq!(reason(alice.reset(TOKEN, "another long way home").await), ActionTokenInvalid);

    world.wait(Duration::minutes(1));
    invite_again(&world, &alice).await;
    alice.request_reset().await.unwrap();
    let reset = alice.mailed_token().await;
    alice.reset(TOKEN, "another long way home").await.unwrap();
    assert_eq!(alice.mail_kinds().await, ["password_changed"], "there was a password before");
    assert_eq!(reason(alice.reset(&reset, &alice.password).await), ActionTokenInvalid);
    alice.with_password("another long way home").log_in().await.unwrap();
}

async fn a_new_password_voids_an_invitation(world: World) {
    let alice = world.person("alice").await;
    invite_again(&world, &alice).await;
    let phone = alice.log_in().await.unwrap();
    phone.change_password(&alice.password, "another long way home").await.unwrap();
    assert_eq!(reason(alice.reset(TOKEN, "a password of somebody else").await), ActionTokenInvalid);
}

async fn a_change_of_address_voids_an_invitation(world: World) {
    let (alice, moved) = (world.person("alice").await, world.stranger("moved"));
    invite_again(&world, &alice).await;
    alice.log_in().await.unwrap().change_email(&moved.email).await.unwrap();
    moved.confirm_email_change(&moved.mailed_token().await).await.unwrap();
    assert_eq!(reason(alice.reset(TOKEN, "a password of somebody else").await), ActionTokenInvalid);
}

async fn a_suspended_or_deleted_account_cannot_be_accepted(world: World) {
    let alice = invited(&world, "alice").await;
    world.suspend(&alice.email).await;
    assert_eq!(reason(alice.reset(TOKEN, &alice.password).await), ActionTokenInvalid);
    world.change_user(&alice.email, |user| user.delete(Duration::days(1), user.update_time).unwrap()).await;
    assert_eq!(reason(alice.reset(TOKEN, &alice.password).await), ActionTokenInvalid);
}

/// Or the owner, who waits for such a mail, would confirm an account with roles and the password of a stranger.
async fn nobody_takes_an_invited_account_by_signing_up_with_its_address(world: World) {
    let alice = invited(&world, "alice").await;
    let thief = alice.with_password("a password of somebody else");
    thief.register().await.unwrap();
    assert_eq!(alice.mail_kinds().await, ["already_registered"]);
    alice.reset(TOKEN, &alice.password).await.unwrap();
    assert_eq!(reason(thief.log_in().await), CredentialsInvalid);
    alice.log_in().await.unwrap();
}

async fn an_invited_person_may_prove_the_address_first(world: World) {
    let alice = invited(&world, "alice").await;
    alice.resend_verification().await.unwrap();
    alice.verify(&alice.mailed_token().await).await.unwrap();
    assert_eq!(alice.mail_kinds().await, ["welcome"]);
    alice.reset(TOKEN, &alice.password).await.unwrap();
    assert_eq!(alice.mail_kinds().await, ["password_changed"], "a password is told of, and nobody is welcomed twice");
    alice.log_in().await.unwrap();
}
