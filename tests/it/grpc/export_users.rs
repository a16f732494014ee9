//! Exports: what they hold, and that imports take them back.

use ipse::domain::account::attributes::Attributes;
use ipse::domain::account::email::EmailAddress;
use ipse::domain::account::user::UserState as State;
use ipse::domain::account::user_record::{Stated, UserRecord as Record};
use ipse::domain::id::UserId;
use ipse::proto::ErrorReason::{FieldInvalid, PermissionMissing, StepUpRequired};
use ipse::proto::{UserRecord, UserState};
use prost::Message as _;
use prost_types::{Struct, Timestamp, Value};
use time::Duration;

use crate::support::on_both_backends;
use crate::support::operator::Operator;
use crate::support::refusal::{reason, refusal};
use crate::support::transfer::{Transfer, row, with};
use crate::support::world::World;

on_both_backends! {
    World::start =>
    a_filter_says_who_is_exported
    hashes_leave_only_when_asked_for_by_a_fresh_sign_in
    many_people_come_in_order_and_in_messages_that_imports_take
    who_loses_the_right_gets_no_more
}

on_both_backends! {
    async |backend: Backend| (World::start(backend).await, World::start(backend).await) =>
    an_export_that_was_imported_is_exported_alike
}

const BCRYPT: &str = "$2b$04$ioTsaldKJflwuhh27ZmVPegB2rLQVtmxG1HtMERJ3IICHAGn2xnTq";

/// People in every state of whom much and little is known.
fn everybody() -> Vec<UserRecord> {
    let at = |seconds| Some(Timestamp { seconds, nanos: 123_456_000 });
    let number = Value { kind: Some(prost_types::value::Kind::NumberValue(-1.5e15)) };
    let attributes = Some(Struct { fields: [("ä\"\\\u{1}".to_owned(), number)].into() });
    let active = with("active@xn--bcher-kva.example", |user| {
        user.id = "01890a5d-ac96-774b-bcce-b302099a8057".to_owned();
        user.email_verified = true;
        user.username = "active.one".to_owned();
        user.display_name = "\"A\", B; 😀".to_owned();
        user.locale = "de-CH".to_owned();
        user.attributes = attributes;
        user.state = UserState::Active.into();
        user.password_change_required = true;
        (user.create_time, user.update_time, user.last_login_time) = (at(1), at(2), at(3));
    });
    let suspended = with("suspended@example.com", |user| {
        (user.state, user.state_reason) = (UserState::Suspended.into(), "fraud, perhaps".to_owned());
    });
    let deleted = with("deleted@example.com", |user| {
        user.state = UserState::Deleted.into();
        (user.delete_time, user.purge_time) = (at(1_000_000_000), at(5_000_000_000));
    });
    let pending = UserRecord { provisional: true, ..row("Pending@example.com") };
    vec![
        UserRecord { password_hash: BCRYPT.to_owned(), ..active },
        suspended,
        UserRecord { suspend_time: at(6), ..deleted },
        pending,
    ]
}

async fn an_export_that_was_imported_is_exported_alike((one, other): (World, World)) {
    let (from, to) = (Transfer(one.administrator().await), Transfer(other.administrator().await));
    assert_eq!(from.import(everybody()).await.unwrap().accepted, 4);
    let without_root = |rows: Vec<Vec<UserRecord>>| {
        let rows = rows.into_iter().flatten();
        rows.filter(|row| row.user.as_ref().unwrap().email != "root@example.com").collect::<Vec<_>>()
    };
    let exported = without_root(from.export("", true).await.unwrap());
    assert_eq!(exported.len(), 4);
    assert!(exported.iter().all(|row| row.user.as_ref().unwrap().etag.is_empty()));
    let given = everybody().remove(0);
    assert!(exported.contains(&given), "{exported:?}");
    other.wait(Duration::minutes(1));
    assert_eq!(to.import(exported.clone()).await.unwrap().accepted, 4);
    assert_eq!(without_root(to.export("", true).await.unwrap()), exported);
    assert_eq!(to.import(exported).await.unwrap().unchanged, 4);
}

async fn a_filter_says_who_is_exported(world: World) {
    let root = Transfer(world.administrator().await);
    root.import(everybody()).await.unwrap();
    let emails = async |filter| -> Vec<String> {
        let rows = root.export(filter, false).await.unwrap().into_iter().flatten();
        rows.map(|row| row.user.unwrap().email).collect()
    };
    assert_eq!(emails("state = DELETED").await, ["deleted@example.com"]);
    assert_eq!(emails("email = \"pending*\"").await, ["Pending@example.com"]);
    assert_eq!(emails("email = \"nobody*\"").await, Vec::<String>::new());
    assert_eq!(emails("").await.len(), 5);
    let refused = refusal(root.export("colour = RED", false).await);
    assert_eq!((refused.reason, refused.fields), (FieldInvalid, vec!["filter".to_owned()]));
}

async fn hashes_leave_only_when_asked_for_by_a_fresh_sign_in(world: World) {
    let root = Transfer(world.administrator().await);
    root.import(everybody()).await.unwrap();
    let hashes = async |root: &Transfer<'_>, include_hashes| {
        let rows = root.export("", include_hashes).await?.concat();
        Ok(rows.iter().filter(|row| !row.password_hash.is_empty()).count())
    };
    assert_eq!(hashes(&root, false).await.unwrap(), 0);
    world.wait(Duration::minutes(5));
    assert_eq!(hashes(&root, true).await.unwrap(), 2);
    world.wait(Duration::seconds(1));
    assert_eq!(reason::<usize>(hashes(&root, true).await), StepUpRequired);
    assert_eq!(hashes(&root, false).await.unwrap(), 0);
}

/// Stores people with long attributes, past the service.
async fn put_many(world: &World, count: u32) {
    let tx = world.store().write().await.unwrap();
    let mut template =
        tx.users().find_by_email(&EmailAddress::parse("root@example.com").unwrap()).await.unwrap().unwrap();
    template.attributes = Attributes::new(format!("{{\"a\":\"{}\"}}", "x".repeat(7000))).unwrap();
    template.state = State::Pending;
    let people: Vec<Record> = (0..count)
        .map(|number| {
            let mut user = template.clone();
            let mut entropy = [0; 10];
            entropy[6..].copy_from_slice(&number.to_be_bytes());
            user.id = UserId::new(user.create_time, &entropy);
            user.email = EmailAddress::parse(&format!("person{number}@example.com")).unwrap();
            Record { user, stated: Stated::default(), password_hash: None, factors: Vec::new() }
        })
        .collect();
    for batch in people.chunks(500) {
        let batch: Vec<&Record> = batch.iter().collect();
        assert_eq!(tx.bulk_users().insert_records(&batch).await.unwrap().len(), batch.len());
    }
    tx.commit().await.unwrap();
}

async fn many_people_come_in_order_and_in_messages_that_imports_take(world: World) {
    let root = Transfer(world.administrator().await);
    put_many(&world, 1100).await;
    let messages = root.export("email = \"person*\"", false).await.unwrap();
    for message in &messages {
        let request =
            ipse::proto::ImportUsersRequest { rows: message.clone(), dry_run: false, request_id: String::new() };
        assert!((1..=64 * 1024).contains(&request.encoded_len()));
    }
    assert!(messages.len() < 140, "nine fit into one");
    let users: Vec<_> = messages.concat().into_iter().map(|row| row.user.unwrap()).collect();
    let place = |user: &ipse::proto::User| (user.create_time.unwrap().seconds, user.id.clone());
    assert!(users.len() == 1100 && users.is_sorted_by(|one, next| place(one) < place(next)));
}

async fn who_loses_the_right_gets_no_more(world: World) {
    let operator = Operator::root(&world).await;
    let role = operator.create("exporter", &["users.export"]).await.unwrap();
    let device = world.person("ida").await.log_in().await.unwrap();
    let ida = device.me().await.unwrap().user.unwrap().id;
    operator.grant(&role.id, &ida).await.unwrap();
    // Several times what the transport holds for a reader that is slow.
    put_many(&world, 1500).await;
    let mut export = Transfer(device).begin_export("", false).await.unwrap();
    export.message().await.unwrap().expect("the first rows");
    operator.revoke(&role.id, &ida).await.unwrap();
    let outcome = async {
        while export.message().await?.is_some() {}
        Ok(())
    };
    assert_eq!(reason::<()>(outcome.await), PermissionMissing);
}
