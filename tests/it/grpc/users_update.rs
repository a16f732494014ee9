use futures_util::future::join;
use ipse::proto::ErrorReason::{
    ActionTokenInvalid, EmailNotVerified, EmailTaken, EtagMismatch, FieldInvalid, LastAdmin, RefreshTokenInvalid,
    ResourceNotFound, TokenInvalid, UserStateInvalid, UsernameTaken,
};
use ipse::proto::{User, UserState};
use time::Duration;

use crate::support::on_both_backends;
use crate::support::person::Person;
use crate::support::refusal::{reason, refusal};
use crate::support::registrar::{Registrar, newcomer};
use crate::support::world::World;

on_both_backends! {
    World::start =>
    an_operator_changes_what_the_mask_names
    of_two_operators_the_second_learns_of_the_first
    of_parallel_updates_of_one_reading_exactly_one_succeeds
    the_state_has_rpcs_of_its_own
    a_new_address_has_to_be_proven
    a_new_address_that_is_vouched_for_is_proven
    another_way_to_write_an_address_is_no_new_one
    a_new_address_voids_what_was_mailed_to_the_old_one
    whoever_was_invited_is_invited_again_at_a_new_address
    a_withdrawn_proof_has_to_be_given_again
    names_of_others_are_refused
    the_last_administrator_keeps_a_proven_address
    a_deleted_account_does_not_change
    a_suspended_account_may_be_corrected_and_gets_no_token
    unacceptable_fields_are_named
}

/// Makes an account with a password and a proven address.
async fn settled(root: &Registrar<'_>, person: &Person<'_>) -> User {
    let made = root.create(User { email_verified: true, ..newcomer(person) }, &person.password).await.unwrap();
    assert_eq!(person.mail_kinds().await, ["welcome"]);
    made
}

async fn an_operator_changes_what_the_mask_names(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let before = settled(&root, &alice).await;
    world.wait(Duration::minutes(1));
    let new = User {
        id: before.id.clone(),
        display_name: "Alice L.".to_owned(),
        locale: "de".to_owned(),
        username: "queen".to_owned(),
        ..User::default()
    };
    let changed = root.update(new.clone(), &["display_name", "locale", "last_login_time", "etag"]).await.unwrap();
    let expected = User {
        display_name: "Alice L.".to_owned(),
        locale: "de".to_owned(),
        update_time: changed.update_time,
        etag: changed.etag.clone(),
        ..before.clone()
    };
    assert_eq!(changed, expected);
    assert!(changed.etag != before.etag && changed.update_time != before.update_time);
    assert_eq!(root.get(&before.id).await.unwrap(), changed);

    let populated = root.update(User { locale: String::new(), ..new }, &[]).await.unwrap();
    assert_eq!((populated.username.as_str(), populated.locale.as_str()), ("queen", "de"));
    let everything = User { id: before.id.clone(), email: alice.email.clone(), ..User::default() };
    let emptied = root.update(User { email_verified: true, ..everything }, &["*"]).await.unwrap();
    assert_eq!((&*emptied.username, &*emptied.display_name, &*emptied.locale), ("", "", ""));
    assert_eq!((emptied.email, emptied.state), (before.email, before.state));
    assert!(alice.mails().await.is_empty());
}

async fn of_two_operators_the_second_learns_of_the_first(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let other = Registrar(world.person_with_role("helper", "support").await);
    let read = settled(&root, &alice).await;
    let first = User { display_name: "first".to_owned(), ..read.clone() };
    let second = User { locale: "de".to_owned(), ..read.clone() };
    let kept = root.update(first, &["display_name"]).await.unwrap();
    assert_eq!(reason(other.update(second, &["locale"]).await), EtagMismatch);
    assert_eq!(root.get(&read.id).await.unwrap(), kept);
    other.update(User { locale: "de".to_owned(), ..kept }, &["locale"]).await.unwrap();
    let both = root.get(&read.id).await.unwrap();
    assert_eq!((both.display_name.as_str(), both.locale.as_str()), ("first", "de"));
}

async fn of_parallel_updates_of_one_reading_exactly_one_succeeds(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let other = Registrar(world.person_with_role("helper", "support").await);
    let mut read = settled(&root, &alice).await;
    for _ in 0..10 {
        let named = |name: &str| User { display_name: name.to_owned(), ..read.clone() };
        let outcomes =
            join(root.update(named("root"), &["display_name"]), other.update(named("helper"), &["display_name"])).await;
        let (kept, refused) = match outcomes {
            (Ok(kept), refused) | (refused, Ok(kept)) => (kept, refused),
            neither => panic!("{neither:?}"),
        };
        assert_eq!(reason(refused), EtagMismatch);
        assert_eq!(root.get(&read.id).await.unwrap(), kept);
        read = kept;
    }
}

async fn the_state_has_rpcs_of_its_own(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let before = settled(&root, &alice).await;
    let wish = User { display_name: "A".to_owned(), state: UserState::Suspended.into(), ..before.clone() };
    for path in ["state", "state_reason", "password_change_required", "roles", "user.email"] {
        let refused = refusal(root.update(wish.clone(), &["display_name", path]).await);
        assert_eq!((refused.reason, refused.fields), (FieldInvalid, vec!["update_mask".to_owned()]), "{path}");
    }
    assert_eq!(root.get(&before.id).await.unwrap(), before);
}

async fn a_new_address_has_to_be_proven(world: World) {
    let (root, alice, moved) = (world.registrar().await, world.stranger("alice"), world.stranger("moved"));
    let before = settled(&root, &alice).await;
    let phone = alice.log_in().await.unwrap();
    let changed = root.update(User { email: moved.email.clone(), ..before }, &["email"]).await.unwrap();
    assert_eq!((changed.email.as_str(), changed.email_verified), (&*moved.email, false));
    assert_eq!(changed.state(), UserState::Pending);
    assert_eq!(alice.mail_kinds().await, ["email_changed"]);
    let (kinds, token) = moved.mailed_kinds_and_token().await;
    assert_eq!(kinds, ["email_changed", "verify_email"]);
    // The account waits for a proof, and nobody is signed in to such a one.
    assert_eq!(reason(phone.me().await), TokenInvalid);
    let moved = moved.with_password(&alice.password);
    assert_eq!(reason(moved.log_in().await), EmailNotVerified);
    moved.verify(&token).await.unwrap();
    moved.log_in().await.unwrap();
}

async fn a_new_address_that_is_vouched_for_is_proven(world: World) {
    let (root, alice, moved) = (world.registrar().await, world.stranger("alice"), world.stranger("moved"));
    let before = settled(&root, &alice).await;
    let new = User { email: moved.email.clone(), email_verified: true, ..before };
    assert_eq!(root.update(new, &["email", "email_verified"]).await.unwrap().state(), UserState::Active);
    assert_eq!(alice.mail_kinds().await, ["email_changed"]);
    assert_eq!(moved.mail_kinds().await, ["email_changed"]);
    moved.with_password(&alice.password).log_in().await.unwrap();
}

async fn another_way_to_write_an_address_is_no_new_one(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let before = settled(&root, &alice).await;
    let changed = root.update(User { email: "Alice@Example.com".to_owned(), ..before }, &["email"]).await.unwrap();
    assert_eq!((changed.email.as_str(), changed.state()), ("Alice@example.com", UserState::Active));
    assert!(world.mails().await.is_empty());
}

async fn a_new_address_voids_what_was_mailed_to_the_old_one(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let before = settled(&root, &alice).await;
    alice.request_reset().await.unwrap();
    let reset = alice.mailed_token().await;
    root.update(User { email: "moved@example.com".to_owned(), ..before }, &["email"]).await.unwrap();
    assert_eq!(reason(alice.reset(&reset, "a whole new password").await), ActionTokenInvalid);
}

async fn whoever_was_invited_is_invited_again_at_a_new_address(world: World) {
    let (root, alice, moved) = (world.registrar().await, world.stranger("alice"), world.stranger("moved"));
    let made = root.create(newcomer(&alice), "").await.unwrap();
    let void = alice.mailed_token().await;
    root.update(User { email: moved.email.clone(), ..made }, &["email"]).await.unwrap();
    assert_eq!(reason(alice.reset(&void, "a whole new password").await), ActionTokenInvalid);
    let (kinds, token) = moved.mailed_kinds_and_token().await;
    assert_eq!(kinds, ["email_changed", "invitation"]);
    moved.reset(&token, &moved.password).await.unwrap();
    moved.log_in().await.unwrap();
}

async fn a_withdrawn_proof_has_to_be_given_again(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let before = settled(&root, &alice).await;
    let phone = alice.log_in().await.unwrap();
    let doubted = root.update(User { email_verified: false, ..before }, &["email_verified"]).await.unwrap();
    assert_eq!(doubted.state(), UserState::Pending);
    // What may not begin does not go on either.
    assert_eq!(reason(alice.log_in().await), EmailNotVerified);
    assert_eq!(reason(phone.me().await), TokenInvalid);
    assert_eq!(reason(phone.refresh().await), RefreshTokenInvalid);
    let token = alice.mailed_token().await;
    let trusted = root.update(User { email_verified: true, ..doubted }, &["email_verified"]).await.unwrap();
    assert_eq!(trusted.state(), UserState::Active);
    alice.verify(&token).await.unwrap();
    alice.log_in().await.unwrap();
}

async fn names_of_others_are_refused(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let named = User { username: "rabbit".to_owned(), ..newcomer(&world.stranger("bob")) };
    root.create(named, "").await.unwrap();
    let before = settled(&root, &alice).await;
    world.mails().await;
    let taken = User { email: "BOB@example.com".to_owned(), username: "Rabbit".to_owned(), ..before.clone() };
    assert_eq!(reason(root.update(taken.clone(), &["email"]).await), EmailTaken);
    assert_eq!(reason(root.update(taken, &["username"]).await), UsernameTaken);
    assert_eq!(root.get(&before.id).await.unwrap(), before);
    assert!(world.mails().await.is_empty());
    root.update(User { username: "queen".to_owned(), ..before.clone() }, &["username"]).await.unwrap();
    root.update(User { username: "queen".to_owned(), etag: String::new(), ..before }, &["username", "email"])
        .await
        .unwrap();
}

async fn the_last_administrator_keeps_a_proven_address(world: World) {
    let root = world.registrar().await;
    let own = root.0.me().await.unwrap().user.unwrap();
    let doubt = User { email_verified: false, ..own.clone() };
    assert_eq!(reason(root.update(doubt.clone(), &["email_verified"]).await), LastAdmin);
    let moved = User { email: "moved@example.com".to_owned(), ..own.clone() };
    assert_eq!(reason(root.update(moved, &["email"]).await), LastAdmin);
    assert_eq!(root.get(&own.id).await.unwrap(), own);
    world.person_with_role("second", "administrator").await;
    root.update(doubt, &["email_verified"]).await.unwrap();
}

async fn a_deleted_account_does_not_change(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let before = settled(&root, &alice).await;
    let deleted = root.delete(&before.id).await.unwrap();
    let refused = refusal(root.update(User { locale: "de".to_owned(), ..deleted.clone() }, &["locale"]).await);
    assert_eq!((refused.reason, refused.metadata["state"].as_str()), (UserStateInvalid, "DELETED"));
    assert_eq!(root.get(&before.id).await.unwrap(), deleted);
    assert_eq!(reason(root.update(before, &["locale"]).await), EtagMismatch, "the etag comes before the state");
}

async fn a_suspended_account_may_be_corrected_and_gets_no_token(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let before = settled(&root, &alice).await;
    let suspended = root.suspend(&before.id, "").await.unwrap();
    let moved = root.update(User { email: "moved@example.com".to_owned(), ..suspended }, &["email"]).await.unwrap();
    assert_eq!((moved.state(), moved.email_verified), (UserState::Suspended, false));
    let kinds: Vec<_> = world.mails().await.iter().map(|mail| mail.content.kind()).collect();
    assert_eq!(kinds, ["email_changed", "email_changed"]);
    assert_eq!(root.activate(&before.id, "").await.unwrap().state(), UserState::Pending);
}

async fn unacceptable_fields_are_named(world: World) {
    let root = world.registrar().await;
    let wrong = User {
        id: "root".to_owned(),
        etag: "x".repeat(65),
        email: "nowhere".to_owned(),
        username: "a".to_owned(),
        display_name: "two\nlines".to_owned(),
        locale: "!".to_owned(),
        ..User::default()
    };
    let fields =
        ["user.id", "user.etag", "user.display_name", "user.username", "user.locale", "user.email"].map(str::to_owned);
    assert_eq!(refusal(root.update(wrong, &["*"]).await).fields, fields);
    assert_eq!(refusal(root.update(User::default(), &["*"]).await).fields, ["user.id", "user.email"]);
    let nobody = User { id: "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(), ..User::default() };
    assert_eq!(reason(root.update(nobody, &["locale"]).await), ResourceNotFound);
}
