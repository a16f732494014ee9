use ipse::domain::account::profile::Locale;
use ipse::proto::ErrorReason::TokenInvalid;
use ipse::proto::auth_service_client::AuthServiceClient;
use ipse::proto::{RegisterRequest, User, UserState};
use time::Duration;

use crate::support::on_both_backends;
use crate::support::person::token_in;
use crate::support::refusal::reason;
use crate::support::token;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    the_account_is_told_as_it_is
    an_account_of_an_address_alone_has_empty_fields
    the_etag_changes_with_the_account
    nothing_is_told_to_the_suspended_and_the_erased
}

async fn the_account_is_told_as_it_is(world: World) {
    let alice = world.stranger("alice").known_as("Wonder");
    let request = RegisterRequest {
        email: "Alice@Example.COM".to_owned(),
        password: alice.password.clone(),
        username: alice.username.clone(),
        display_name: "Alice 'Wonder' Łąd \u{1F600}".to_owned(),
        locale: "de-CH".to_owned(),
        request_id: String::new(),
    };
    let mut client = AuthServiceClient::new(world.replica().channel.clone());
    client.register(request).await.unwrap();
    let sign_up = token::seconds(&world);
    let [mail] = &world.mails().await[..] else { panic!("one mail") };
    assert_eq!(mail.locale.as_ref().map(Locale::as_str), Some("de-CH"));
    world.wait(Duration::minutes(1));
    alice.verify(&token_in(mail)).await.unwrap();
    world.wait(Duration::minutes(1));
    let phone = alice.log_in().await.unwrap();
    let me = phone.me().await.unwrap();
    let user = me.user.unwrap();
    let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let expected = User {
        id: token::read(&phone.tokens.access_token).1["sub"].as_str().unwrap().to_owned(),
        email: "Alice@example.com".to_owned(),
        email_verified: true,
        username: "wonder".to_owned(),
        display_name: "Alice 'Wonder' Łąd \u{1F600}".to_owned(),
        state: UserState::Active.into(),
        locale: "de-CH".to_owned(),
        create_time: at(sign_up),
        update_time: at(sign_up + 60),
        last_login_time: at(sign_up + 120),
        etag: user.etag.clone(),
        ..User::default()
    };
    assert_eq!(user, expected);
    assert_eq!((me.roles.len(), me.permissions.len()), (0, 0));
    let session = me.session.unwrap();
    assert_eq!((&session.id, &session.user_id), (&phone.tokens.session_id, &user.id));
    assert!(session.current);
}

async fn an_account_of_an_address_alone_has_empty_fields(world: World) {
    let user = world.person("alice").await.log_in().await.unwrap().me().await.unwrap().user.unwrap();
    assert_eq!((&*user.username, &*user.display_name, &*user.locale, &*user.state_reason), ("", "", "", ""));
    assert!(!user.mfa_enabled && !user.password_change_required);
    assert_eq!((user.attributes, user.delete_time, user.purge_time), (None, None, None));
}

async fn the_etag_changes_with_the_account(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    let before = phone.me().await.unwrap().user.unwrap().etag;
    alice.log_in().await.unwrap();
    assert_eq!(phone.me().await.unwrap().user.unwrap().etag, before, "a sign-in is no change");
    phone.change_password(&alice.password, "another long way home").await.unwrap();
    let after = phone.me().await.unwrap().user.unwrap().etag;
    assert_ne!(after, before);
    assert!(after.starts_with('"') && after.ends_with('"') && after.len() <= 64, "{after}");
}

async fn nothing_is_told_to_the_suspended_and_the_erased(world: World) {
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    let (phone, tablet) = (alice.log_in().await.unwrap(), bob.log_in().await.unwrap());
    world.suspend(&alice.email).await;
    world.database.outsider().await.execute("DELETE FROM users WHERE email_written = 'bob@example.com'").await;
    for device in [phone, tablet] {
        assert_eq!(reason(device.me().await), TokenInvalid);
        assert_eq!(reason(device.sessions().await), TokenInvalid);
        assert_eq!(reason(device.revoke_others().await), TokenInvalid);
    }
}
