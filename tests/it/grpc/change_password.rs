use futures_util::future::join_all;
use ipse::proto::ErrorReason::{
    ActionTokenInvalid, CredentialsInvalid, FieldInvalid, PasswordBlocklisted, PasswordTooLong, PasswordTooShort,
    RateLimited, RefreshTokenInvalid, TokenInvalid,
};
use time::Duration;

use crate::support::on_both_backends;
use crate::support::refusal::{reason, refusal};
use crate::support::world::World;

const NEW: &str = "another long way home";

on_both_backends! {
    World::start =>
    a_reset_that_was_asked_for_before_is_void
    the_new_password_takes_the_place_of_the_old
    all_other_sessions_end
    the_owner_is_told
    a_wrong_current_password_changes_nothing
    wrong_current_passwords_count_like_failed_sign_ins
    a_disabled_password_cannot_be_changed
    a_new_password_keeps_to_the_policy
    of_parallel_changes_exactly_one_counts
    a_change_settles_a_demand
}

async fn the_new_password_takes_the_place_of_the_old(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    phone.change_password(&alice.password, NEW).await.unwrap();
    assert_eq!(reason(alice.log_in().await), CredentialsInvalid);
    alice.with_password(NEW).log_in().await.unwrap();
}

async fn all_other_sessions_end(world: World) {
    let alice = world.person("alice").await;
    let (phone, laptop) = (alice.log_in().await.unwrap(), alice.log_in().await.unwrap());
    let bob = world.person("bob").await.log_in().await.unwrap();
    phone.change_password(&alice.password, NEW).await.unwrap();
    assert_eq!(reason(laptop.me().await), TokenInvalid);
    assert_eq!(reason(laptop.refresh().await), RefreshTokenInvalid);
    phone.refresh().await.unwrap().me().await.unwrap();
    bob.me().await.unwrap();
}

async fn the_owner_is_told(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    phone.change_password(&alice.password, NEW).await.unwrap();
    phone.change_password(NEW, &alice.password).await.unwrap();
    assert_eq!(alice.mail_kinds().await, ["password_changed", "password_changed"]);
}

async fn a_wrong_current_password_changes_nothing(world: World) {
    let alice = world.person("alice").await;
    let (phone, laptop) = (alice.log_in().await.unwrap(), alice.log_in().await.unwrap());
    assert_eq!(reason(phone.change_password("not the password", NEW).await), CredentialsInvalid);
    alice.log_in().await.unwrap();
    laptop.me().await.unwrap();
    assert!(world.mails().await.is_empty());
}

async fn wrong_current_passwords_count_like_failed_sign_ins(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    for _ in 0..3 {
        assert_eq!(reason(phone.change_password("not the password", NEW).await), CredentialsInvalid);
    }
    for _ in 0..2 {
        assert_eq!(reason(alice.guess().await), CredentialsInvalid);
    }
    let refusal = refusal(phone.change_password(&alice.password, NEW).await);
    assert_eq!((refusal.reason, refusal.retry_after), (RateLimited, Some(std::time::Duration::from_secs(1))));
    assert_eq!(reason(alice.log_in().await), RateLimited);
    world.wait(Duration::seconds(1));
    phone.change_password(&alice.password, NEW).await.unwrap();
    for _ in 0..4 {
        assert_eq!(reason(alice.guess().await), CredentialsInvalid);
    }
    alice.with_password(NEW).log_in().await.unwrap();
}

async fn a_disabled_password_cannot_be_changed(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    world.database.outsider().await.execute("UPDATE passwords SET failures = 99").await;
    assert_eq!(reason(phone.change_password("not the password", NEW).await), CredentialsInvalid);
    assert_eq!(reason(phone.change_password(&alice.password, NEW).await), CredentialsInvalid);
    phone.me().await.unwrap();
}

async fn a_new_password_keeps_to_the_policy(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    for (password, expected) in [
        ("too short", PasswordTooShort),
        (&*"kfhwbvgq".repeat(33), PasswordTooLong),
        ("passwordpassword", PasswordBlocklisted),
        ("alice@example.com", PasswordBlocklisted),
        ("kfhwb\0vgqpzmxuvyr", FieldInvalid),
    ] {
        let refusal = refusal(phone.change_password(&alice.password, password).await);
        assert_eq!((refusal.reason, refusal.fields), (expected, vec!["new_password".to_owned()]), "{password:?}");
    }
    let both = refusal(phone.change_password("", "").await);
    assert_eq!(both.fields, ["current_password", "new_password"]);
    alice.log_in().await.unwrap();
}

async fn of_parallel_changes_exactly_one_counts(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    let passwords: Vec<_> = (0..4).map(|number| format!("the password number {number}")).collect();
    let changes = passwords.iter().map(|password| phone.change_password(&alice.password, password));
    let outcomes = join_all(changes).await;
    let winners: Vec<_> = outcomes.iter().zip(&passwords).filter(|(outcome, _)| outcome.is_ok()).collect();
    assert_eq!(winners.len(), 1, "{outcomes:?}");
    alice.with_password(winners[0].1).log_in().await.unwrap();
    assert_eq!(alice.mail_kinds().await, ["password_changed"]);
}

async fn a_change_settles_a_demand(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    world.change_user(&alice.email, |user| user.password_change_required = true).await;
    assert!(phone.me().await.unwrap().user.unwrap().password_change_required);
    phone.change_password(&alice.password, NEW).await.unwrap();
    assert!(!phone.me().await.unwrap().user.unwrap().password_change_required);
    alice.with_password(NEW).log_in().await.unwrap();
}

async fn a_reset_that_was_asked_for_before_is_void(world: World) {
    let alice = world.person("alice").await;
    alice.request_reset().await.unwrap();
    let token = alice.mailed_token().await;
    alice.log_in().await.unwrap().change_password(&alice.password, NEW).await.unwrap();
    assert_eq!(reason(alice.reset(&token, "a password of somebody else").await), ActionTokenInvalid);
}
