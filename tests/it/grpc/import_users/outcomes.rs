//! What becomes of the rows of an import.

use ipse::proto::ErrorReason::{CredentialsInvalid, EmailTaken, FieldInvalid, UsernameTaken};
use ipse::proto::{ErrorReason, ImportUsersRequest, ImportUsersResponse, User, UserRecord, UserState};
use prost_types::value::Kind;
use prost_types::{Struct, Timestamp, Value};
use time::Duration;

use super::{people, root, rows};
use crate::support::custodian::Custodian;
use crate::support::on_both_backends;
use crate::support::refusal::reason;
use crate::support::registrar::Registrar;
use crate::support::transfer::{Transfer, row, with};
use crate::support::world::World;

on_both_backends! {
    World::start =>
    imported_people_sign_in_with_the_password_they_had
    what_a_row_leaves_open_is_filled_in
    bad_rows_are_refused_one_by_one
    names_and_ids_of_others_are_refused
    an_id_stands_for_one_subject_for_ever
    rows_of_one_batch_stand_in_each_others_way
    importing_again_changes_nothing
    a_row_that_differs_from_what_is_stored_is_refused
    a_dry_run_stores_nothing
}

const PASSWORD: &str = "correct horse battery staple";
const BCRYPT: &str = "$2b$04$ioTsaldKJflwuhh27ZmVPegB2rLQVtmxG1HtMERJ3IICHAGn2xnTq";

fn counts(response: &ImportUsersResponse) -> (i32, i32, usize) {
    (response.accepted, response.unchanged, response.refusals.len())
}

fn refusals(response: &ImportUsersResponse) -> Vec<(i64, ErrorReason, &str)> {
    response.refusals.iter().map(|refusal| (refusal.row, refusal.reason(), refusal.field.as_str())).collect()
}

/// All there is of the only imported person.
async fn stored(transfer: &Transfer<'_>, email: &str) -> User {
    let messages = transfer.export(&format!("email = \"{email}\""), false).await.unwrap();
    messages.into_iter().flatten().next().expect("the person is stored").user.unwrap()
}

async fn imported_people_sign_in_with_the_password_they_had(world: World) {
    let root = root(&world).await;
    let known =
        UserRecord { password_hash: BCRYPT.to_owned(), ..with("alice@example.com", |user| user.email_verified = true) };
    let without = with("bob@example.com", |user| user.email_verified = true);
    let done = root.import(vec![known, without]).await.unwrap();
    assert_eq!(counts(&done), (2, 0, 0));
    let alice = world.stranger("alice").with_password(PASSWORD);
    assert_eq!(reason(alice.guess().await), CredentialsInvalid);
    let me = alice.log_in().await.unwrap().me().await.unwrap();
    assert!(me.roles.is_empty() && me.permissions.is_empty());
    let hashes = world.database.outsider().await.values("SELECT hash AS value FROM passwords").await;
    assert!(hashes.iter().all(|hash| hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")), "{hashes:?}");
    assert_eq!(reason(world.stranger("bob").with_password(PASSWORD).log_in().await), CredentialsInvalid);
}

async fn what_a_row_leaves_open_is_filled_in(world: World) {
    let root = root(&world).await;
    let deleted = with("gone@example.com", |user| user.state = UserState::Deleted.into());
    root.import(vec![row("open@example.com"), deleted]).await.unwrap();
    let user = stored(&root, "open@example.com").await;
    let now = user.create_time;
    assert_eq!((user.state(), user.email_verified, user.update_time), (UserState::Pending, false, now));
    assert!(user.id.len() == 36 && user.last_login_time.is_none() && user.delete_time.is_none());
    let user = stored(&root, "gone@example.com").await;
    let kept = user.purge_time.unwrap().seconds - user.delete_time.unwrap().seconds;
    assert_eq!((user.delete_time, kept), (now, Duration::days(30).whole_seconds()));
}

async fn bad_rows_are_refused_one_by_one(world: World) {
    type Change = fn(&mut User);
    let never = Some(Timestamp { seconds: i64::MAX, nanos: 0 });
    let nan = Struct { fields: [("a".to_owned(), Value { kind: Some(Kind::NumberValue(f64::NAN)) })].into() };
    let changes: [(&str, Change); 17] = [
        ("user.email", |user| user.email = "nobody".to_owned()),
        ("user.email", |user| user.email.clear()),
        ("user.id", |user| user.id = "1".to_owned()),
        ("user.id", |user| user.id = "00000000-0000-0000-0000-000000000000".to_owned()),
        ("user.username", |user| user.username = "a@b".to_owned()),
        ("user.display_name", |user| user.display_name = "a\nb".to_owned()),
        ("user.locale", |user| user.locale = "_".to_owned()),
        ("user.state", |user| user.state = 9),
        ("user.state", |user| user.delete_time = Some(Timestamp::default())),
        ("user.state", |user| user.state = UserState::Active.into()),
        ("user.state", |user| (user.email_verified, user.state) = (true, UserState::Pending.into())),
        ("user.state_reason", |user| user.state_reason = "x".repeat(257)),
        ("user.create_time", |user| user.create_time = Some(Timestamp { seconds: 0, nanos: -1 })),
        ("user.create_time", |user| user.create_time = Some(Timestamp { seconds: -1, nanos: 0 })),
        ("user.create_time", |user| user.create_time = Some(Timestamp { seconds: 4_000_000_000, nanos: 0 })),
        ("user.last_login_time", |user| user.last_login_time = Some(Timestamp { seconds: 4_000_000_000, nanos: 0 })),
        ("user.attributes", |user| {
            let long = Value { kind: Some(Kind::StringValue("x".repeat(8192))) };
            user.attributes = Some(Struct { fields: [("a".to_owned(), long)].into() });
        }),
    ];
    let mut bad: Vec<(&str, UserRecord)> =
        changes.iter().map(|(field, change)| (*field, with("bad@example.com", change))).collect();
    bad.push(("user.purge_time", with("bad@example.com", |user| user.purge_time = never)));
    bad.push(("user.attributes", with("bad@example.com", |user| user.attributes = Some(nan))));
    bad.push(("user", UserRecord::default()));
    bad.push(("user.state", UserRecord { suspend_time: Some(Timestamp::default()), ..row("bad@example.com") }));
    let proven = with("bad@example.com", |user| user.email_verified = true);
    bad.push(("provisional", UserRecord { provisional: true, ..proven }));
    for hash in ["secret", &"x".repeat(513), "$2b$31$ioTsaldKJflwuhh27ZmVPegB2rLQVtmxG1HtMERJ3IICHAGn2xnTq"] {
        bad.push(("password_hash", UserRecord { password_hash: hash.to_owned(), ..row("bad@example.com") }));
    }
    let expected: Vec<_> = (0..).zip(&bad).map(|(number, (field, _))| (2 * number, FieldInvalid, *field)).collect();
    let rows =
        (0..).zip(&bad).flat_map(|(number, (_, bad))| [bad.clone(), row(&format!("person{number}@example.com"))]);
    let done = root(&world).await.import(rows.collect()).await.unwrap();
    assert_eq!(refusals(&done), expected);
    assert!(done.refusals.iter().all(|refusal| !refusal.description.is_empty()));
    assert_eq!((usize::try_from(done.accepted), people(&world).await), (Ok(bad.len()), bad.len()));
}

async fn names_and_ids_of_others_are_refused(world: World) {
    let root = root(&world).await;
    let owner = world.stranger("alice").known_as("wonder");
    owner.register().await.unwrap();
    owner.verify(&owner.mailed_token().await).await.unwrap();
    let alice = stored(&root, "alice@example.com").await;
    let done = root.import(vec![
        with("Alice@EXAMPLE.com", |user| user.username = "another".to_owned()),
        with("person1@example.com", |user| user.username = "Wonder".to_owned()),
        with("person2@example.com", |user| user.id = alice.id.clone()),
        row("person3@example.com"),
    ]);
    let expected = [(0, EmailTaken, "user.email"), (1, UsernameTaken, "user.username"), (2, FieldInvalid, "user.id")];
    let done = done.await.unwrap();
    assert_eq!((refusals(&done), counts(&done)), (expected.to_vec(), (1, 0, 3)));
    // The same address, and nothing else that is not stored.
    assert_eq!(counts(&root.import(vec![row("Alice@EXAMPLE.com")]).await.unwrap()), (1, 1, 0));
    let same = with("alice@example.com", |user| user.id = alice.id.clone());
    assert_eq!(counts(&root.import(vec![same, row("alice@example.com")]).await.unwrap()), (2, 2, 0));
    assert_eq!(stored(&root, "alice@example.com").await, alice);
}

/// Other services keep ids, and tokens carry them.
async fn an_id_stands_for_one_subject_for_ever(world: World) {
    let root = root(&world).await;
    let account = Custodian(root.0.clone()).create("orders").await.unwrap();
    world.stranger("alice").register().await.unwrap();
    let erased = stored(&root, "alice@example.com").await;
    let registrar = Registrar(root.0.clone());
    registrar.delete(&erased.id).await.unwrap();
    registrar.purge(&erased.id).await.unwrap();
    for dry_run in [true, false] {
        let rows = vec![
            with("person1@example.com", |user| user.id = account.id.clone()),
            with("person2@example.com", |user| user.id = erased.id.clone()),
            row("person3@example.com"),
        ];
        let done = root.import_as(ImportUsersRequest { rows, dry_run, request_id: String::new() }).await.unwrap();
        let expected = [(0, FieldInvalid, "user.id"), (1, FieldInvalid, "user.id")];
        assert_eq!((refusals(&done), counts(&done)), (expected.to_vec(), (1, 0, 2)));
    }
    assert_eq!(people(&world).await, 1);
}

async fn rows_of_one_batch_stand_in_each_others_way(world: World) {
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    let root = root(&world).await;
    world.stranger("alice").register().await.unwrap();
    let done = root.import(vec![
        with("alice@example.com", |user| user.id = id.to_owned()),
        UserRecord { password_hash: BCRYPT.to_owned(), ..with("person1@example.com", |user| user.id = id.to_owned()) },
        with("person2@example.com", |user| user.username = "second".to_owned()),
        with("person3@example.com", |user| user.username = "second".to_owned()),
        with("person2@example.com", |user| user.display_name = "Other".to_owned()),
        with("person2@example.com", |user| user.username = "second".to_owned()),
    ]);
    let done = done.await.unwrap();
    let expected = [
        (0, EmailTaken, "user.email"),
        (1, FieldInvalid, "user.id"),
        (3, UsernameTaken, "user.username"),
        (4, EmailTaken, "user.email"),
    ];
    assert_eq!((refusals(&done), counts(&done)), (expected.to_vec(), (2, 1, 4)));
}

async fn importing_again_changes_nothing(world: World) {
    let root = root(&world).await;
    let mut rows = rows(0..3);
    rows.push(UserRecord {
        password_hash: BCRYPT.to_owned(),
        ..with("alice@example.com", |user| user.email_verified = true)
    });
    assert_eq!(counts(&root.import(rows.clone()).await.unwrap()), (4, 0, 0));
    world.wait(Duration::hours(1));
    let root = Transfer(world.stranger("root").log_in().await.unwrap());
    let before = root.export("", true).await.unwrap();
    rows.push(row("person9@example.com"));
    assert_eq!(counts(&root.import(rows.clone()).await.unwrap()), (5, 4, 0));
    world.stranger("alice").with_password(PASSWORD).log_in().await.unwrap();
    assert_eq!(counts(&root.import(rows).await.unwrap()), (5, 5, 0));
    let after = root.export("", false).await.unwrap();
    assert_eq!(after.concat().len(), before.concat().len() + 1);
}

async fn a_row_that_differs_from_what_is_stored_is_refused(world: World) {
    let root = root(&world).await;
    let first = UserRecord { password_hash: BCRYPT.to_owned(), ..row("person1@example.com") };
    root.import(vec![first.clone()]).await.unwrap();
    let named = with("person1@example.com", |user| user.display_name = "One".to_owned());
    let proven = with("person1@example.com", |user| user.email_verified = true);
    for other in [UserRecord { password_hash: BCRYPT.to_owned(), ..named.clone() }, named, proven] {
        let done = root.import(vec![other]).await.unwrap();
        assert_eq!(refusals(&done), [(0, EmailTaken, "user.email")]);
    }
    assert_eq!(counts(&root.import(vec![first]).await.unwrap()), (1, 1, 0));
}

async fn a_dry_run_stores_nothing(world: World) {
    let root = root(&world).await;
    let mut rows = rows(0..3);
    let other = with("root@example.com", |user| user.display_name = "Other".to_owned());
    rows.extend([row("person1@example.com"), other, row("bad")]);
    for _ in 0..2 {
        let done = root
            .import_as(ImportUsersRequest { rows: rows.clone(), dry_run: true, request_id: String::new() })
            .await
            .unwrap();
        assert_eq!(counts(&done), (4, 1, 2));
        assert_eq!(people(&world).await, 0);
    }
    assert_eq!(counts(&root.import(rows).await.unwrap()), (4, 1, 2));
    assert_eq!(people(&world).await, 3);
}
