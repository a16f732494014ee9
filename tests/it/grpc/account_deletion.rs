use ipse::domain::Timestamp;
use ipse::domain::mail::{Mail, MailContent};
use ipse::proto::ErrorReason::{
    ActionTokenInvalid, CredentialsInvalid, RefreshTokenInvalid, StepUpRequired, TokenInvalid,
};
use time::Duration;

use crate::support::on_both_backends;
use crate::support::refusal::reason;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    a_deleted_account_is_gone_for_everybody
    it_takes_the_password_and_a_fresh_sign_in
    the_address_stays_reserved_until_the_data_is_erased
    nothing_of_an_erased_person_is_left
    who_comes_back_is_told_until_when_the_account_is_kept
    such_mail_has_a_budget_and_nothing_of_a_strangers_choice
    the_deletion_of_an_unproven_address_is_no_matter_of_its_owner
}

/// What a mail tells of when the data will be erased.
fn erase_time(mail: &Mail) -> Timestamp {
    match mail.content {
        MailContent::AccountDeleted { erase_time } | MailContent::AccountWasDeleted { erase_time } => erase_time,
        ref other => panic!("not a mail of a deletion: {}", other.kind()),
    }
}

async fn who_comes_back_is_told_until_when_the_account_is_kept(world: World) {
    let alice = world.person("alice").await;
    alice.log_in().await.unwrap().delete(&alice.password).await.unwrap();
    let end = world.now() + Duration::days(30);
    assert_eq!(alice.mails().await.iter().map(erase_time).collect::<Vec<_>>(), [end]);
    // One mail a minute of the kind that the sign-up got.
    world.wait(Duration::minutes(1));
    alice.register().await.unwrap();
    alice.request_reset().await.unwrap();
    alice.resend_verification().await.unwrap();
    let mails = alice.mails().await;
    assert_eq!(mails.iter().map(erase_time).collect::<Vec<_>>(), [end; 3]);
    assert!(mails.iter().all(|mail| mail.content.kind() == "account_was_deleted"));
    // A sign-in asks for nothing.
    assert_eq!(reason(alice.log_in().await), CredentialsInvalid);
    assert!(alice.mails().await.is_empty());
}

async fn such_mail_has_a_budget_and_nothing_of_a_strangers_choice(world: World) {
    let alice = world.person("alice").await;
    alice.log_in().await.unwrap().delete(&alice.password).await.unwrap();
    alice.mails().await;
    let mallory = alice.with_password("a password of somebody else").shown_as("Call +49 900 1234567");
    for _ in 0..10 {
        mallory.register().await.unwrap();
        mallory.request_reset().await.unwrap();
        world.wait(Duration::seconds(30));
    }
    let mails = alice.mails().await;
    assert_eq!(mails.len(), 10, "five mails of each kind in an hour, one a minute");
    assert!(mails.iter().all(|mail| mail.display_name.as_str().is_empty()));
}

async fn the_deletion_of_an_unproven_address_is_no_matter_of_its_owner(world: World) {
    let registrar = world.registrar().await;
    let alice = world.stranger("alice");
    alice.register().await.unwrap();
    alice.mails().await;
    let id = registrar.look_up(&alice).await.id;
    registrar.delete(&id).await.unwrap();
    assert!(alice.mails().await.is_empty());
    alice.register().await.unwrap();
    assert_eq!(alice.mail_kinds().await, ["account_was_deleted"]);
}

async fn a_deleted_account_is_gone_for_everybody(world: World) {
    let alice = world.person("alice").await;
    let (phone, laptop) = (alice.log_in().await.unwrap(), alice.log_in().await.unwrap());
    alice.request_reset().await.unwrap();
    let reset = alice.mailed_token().await;
    phone.delete(&alice.password).await.unwrap();
    for device in [&phone, &laptop] {
        assert_eq!(reason(device.me().await), TokenInvalid);
        assert_eq!(reason(device.refresh().await), RefreshTokenInvalid);
    }
    assert_eq!(reason(alice.log_in().await), CredentialsInvalid);
    assert_eq!(reason(alice.reset(&reset, "a whole new password").await), ActionTokenInvalid);
    assert_eq!(alice.mail_kinds().await, ["account_deleted"]);
}

async fn it_takes_the_password_and_a_fresh_sign_in(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    assert_eq!(reason(phone.delete("not the password at all").await), CredentialsInvalid);
    world.wait(Duration::minutes(6));
    assert_eq!(reason(phone.delete(&alice.password).await), StepUpRequired);
    phone.me().await.unwrap();
}

async fn the_address_stays_reserved_until_the_data_is_erased(world: World) {
    let alice = world.person("alice").await;
    let old_id = alice.log_in().await.unwrap().me().await.unwrap().user.unwrap().id;
    alice.log_in().await.unwrap().delete(&alice.password).await.unwrap();
    assert_eq!(alice.mail_kinds().await, ["account_deleted"]);
    alice.register().await.unwrap();
    assert_eq!(alice.mail_kinds().await, ["account_was_deleted"]);

    world.wait(Duration::days(30) + Duration::seconds(1));
    world.purge().await;
    let again = world.person("alice").await;
    let new_id = again.log_in().await.unwrap().me().await.unwrap().user.unwrap().id;
    assert_ne!(new_id, old_id);
}

async fn nothing_of_an_erased_person_is_left(world: World) {
    let alice = world.person("alice").await;
    world.person("bob").await;
    alice.log_in().await.unwrap().delete(&alice.password).await.unwrap();
    world.wait(Duration::days(30));
    world.purge().await;
    for (table, left) in [("users", 1), ("passwords", 1), ("sessions", 0), ("action_tokens", 0)] {
        assert_eq!(world.count(table).await, left, "{table}");
    }
}
