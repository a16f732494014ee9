use ipse::proto::ErrorReason::{EtagMismatch, FieldInvalid, PermissionMissing, UsernameTaken};
use ipse::proto::User;
use prost_types::value::Kind;
use prost_types::{Struct, Value};
use time::Duration;

use crate::support::on_both_backends;
use crate::support::refusal::{reason, refusal};
use crate::support::world::World;

on_both_backends! {
    World::start =>
    a_person_changes_what_the_mask_names
    without_a_mask_the_populated_fields_are_changed
    named_and_empty_fields_are_emptied
    a_username_serves_to_sign_in_and_is_unique
    an_old_etag_changes_nothing
    fields_of_operators_are_refused_and_nothing_is_written
    attributes_come_back_as_they_were
}

async fn a_person_changes_what_the_mask_names(world: World) {
    let phone = world.person("alice").await.log_in().await.unwrap();
    let before = phone.me().await.unwrap().user.unwrap();
    world.wait(Duration::minutes(1));
    let new = User { display_name: "Alice L.".to_owned(), locale: "de-CH".to_owned(), ..User::default() };
    let changed = phone.update(new, &["display_name", "id"]).await.unwrap();
    assert_eq!((changed.display_name.as_str(), changed.locale.as_str()), ("Alice L.", ""));
    assert_eq!((&changed.id, &changed.create_time), (&before.id, &before.create_time));
    assert!(changed.etag != before.etag && changed.update_time != before.update_time);
    assert_eq!(phone.me().await.unwrap().user.unwrap(), changed);
}

async fn without_a_mask_the_populated_fields_are_changed(world: World) {
    let phone = world.person("alice").await.log_in().await.unwrap();
    phone.update(User { display_name: "Alice".to_owned(), ..User::default() }, &[]).await.unwrap();
    let changed = phone.update(User { locale: "de".to_owned(), ..User::default() }, &[]).await.unwrap();
    assert_eq!((changed.display_name.as_str(), changed.locale.as_str()), ("Alice", "de"));
}

async fn named_and_empty_fields_are_emptied(world: World) {
    let phone = world.person("alice").await.log_in().await.unwrap();
    let full = User {
        display_name: "Alice".to_owned(),
        username: "alice".to_owned(),
        locale: "de".to_owned(),
        ..User::default()
    };
    phone.update(full, &["*"]).await.unwrap();
    let emptied = phone.update(User::default(), &["*"]).await.unwrap();
    assert_eq!((emptied.display_name, emptied.username, emptied.locale), Default::default());
}

async fn a_username_serves_to_sign_in_and_is_unique(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    let named = |name: &str| User { username: name.to_owned(), ..User::default() };
    phone.update(named("Queen.Alice"), &["username"]).await.unwrap();
    phone.update(named("queen.alice"), &["username"]).await.unwrap();
    let request = ipse::proto::LoginRequest { identifier: "queen.ALICE".to_owned(), ..Default::default() };
    alice.log_in_with(request).await.unwrap();
    let bob = world.person("bob").await.log_in().await.unwrap();
    assert_eq!(reason(bob.update(named("queen.alice"), &["username"]).await), UsernameTaken);
    assert_eq!(refusal(bob.update(named("a"), &["username"]).await).fields, ["user.username"]);
}

async fn an_old_etag_changes_nothing(world: World) {
    let phone = world.person("alice").await.log_in().await.unwrap();
    let read = phone.me().await.unwrap().user.unwrap();
    let named =
        |name: &str, etag: &str| User { display_name: name.to_owned(), etag: etag.to_owned(), ..User::default() };
    let first = phone.update(named("first", &read.etag), &["display_name"]).await.unwrap();
    assert_eq!(reason(phone.update(named("second", &read.etag), &["display_name"]).await), EtagMismatch);
    assert_eq!(phone.me().await.unwrap().user.unwrap().display_name, "first");
    phone.update(named("third", &first.etag), &["display_name"]).await.unwrap();
}

async fn fields_of_operators_are_refused_and_nothing_is_written(world: World) {
    let phone = world.person("alice").await.log_in().await.unwrap();
    let before = phone.me().await.unwrap().user;
    let wish = User { display_name: "root".to_owned(), email_verified: true, state: 2, ..User::default() };
    for path in ["state", "email", "email_verified", "state_reason", "mfa_enabled", "password_change_required"] {
        let refused = refusal(phone.update(wish.clone(), &["display_name", path]).await);
        assert_eq!((refused.reason, refused.metadata["permission"].as_str()), (PermissionMissing, "users.write"));
    }
    assert_eq!(reason(phone.update(wish.clone(), &["display_name", "roles"]).await), FieldInvalid);
    assert_eq!(refusal(phone.update(wish, &["user.display_name"]).await).fields, ["update_mask"]);
    assert_eq!(phone.me().await.unwrap().user, before);
}

async fn attributes_come_back_as_they_were(world: World) {
    let phone = world.person("alice").await.log_in().await.unwrap();
    let with = |text: &str| {
        let value = Value { kind: Some(Kind::StringValue(text.to_owned())) };
        let attributes = Struct { fields: [("plan".to_owned(), value)].into() };
        User { attributes: Some(attributes), ..User::default() }
    };
    let hostile = with("ü€😀 \u{0} '; -- \" \\");
    assert_eq!(phone.update(hostile.clone(), &["attributes"]).await.unwrap().attributes, hostile.attributes);
    // `{"plan":"…"}` takes eleven bytes beside the text.
    phone.update(with(&"x".repeat(8181)), &[]).await.unwrap();
    assert_eq!(refusal(phone.update(with(&"x".repeat(8182)), &[]).await).fields, ["user.attributes"]);
    let number = Value { kind: Some(Kind::NumberValue(f64::NAN)) };
    let nan = User { attributes: Some(Struct { fields: [("n".to_owned(), number)].into() }), ..User::default() };
    assert_eq!(refusal(phone.update(nan, &[]).await).fields, ["user.attributes"]);
}
