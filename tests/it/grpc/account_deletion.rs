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
    alice.request_reset().await.unwrap();
    assert!(alice.mails().await.is_empty());
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
    alice.register().await.unwrap();
    assert!(alice.mails().await.is_empty());

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
