//! An export that is taken back changes nothing, whatever it says and leaves out.

use ipse::proto::factor_record::Method;
use ipse::proto::{ErrorReason::FieldInvalid, FactorRecord, PasskeyRecord, UserRecord, UserState};

use super::root;
use crate::support::on_both_backends;
use crate::support::registrar::Registrar;
use crate::support::transfer::with;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    an_own_export_is_stored_before
    what_a_row_does_not_state_is_not_empty
    passkeys_of_an_earlier_domain_stay_where_they_are
}

const BCRYPT: &str = "$2b$04$ioTsaldKJflwuhh27ZmVPegB2rLQVtmxG1HtMERJ3IICHAGn2xnTq";

/// A passkey for Ed25519.
fn passkey(number: u8, rp_id: &str) -> FactorRecord {
    let head = [0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 0x20];
    let passkey = PasskeyRecord {
        credential_id: vec![number],
        public_key: [&head[..], &[7; 32]].concat(),
        user_handle: vec![1],
        rp_id: rp_id.to_owned(),
        ..PasskeyRecord::default()
    };
    FactorRecord { method: Some(Method::Passkey(passkey)), ..FactorRecord::default() }
}

fn app() -> FactorRecord {
    let uri = "otpauth://totp/a?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP".to_owned();
    FactorRecord { method: Some(Method::OtpauthUri(uri)), ..FactorRecord::default() }
}

/// Of people in every state, with hashes and without.
async fn an_own_export_is_stored_before(world: World) {
    let root = root(&world).await;
    let registrar = Registrar(root.0.clone());
    world.person("alice").await;
    for (name, disputed) in [("bob", false), ("carol", true)] {
        let sign_up = world.stranger(name).known_as(&format!("the-{name}"));
        sign_up.register().await.unwrap();
        if disputed {
            world.stranger(name).with_password("another long password").register().await.unwrap();
        }
    }
    let of = |name: &str, state: UserState| UserRecord {
        password_hash: BCRYPT.to_owned(),
        ..with(&format!("{name}@example.com"), |user| {
            (user.email_verified, user.state) = (state != UserState::Pending, state.into());
            user.state_reason = "why".to_owned();
        })
    };
    root.import(vec![
        of("suspended", UserState::Suspended),
        of("deleted", UserState::Deleted),
        of("pending", UserState::Pending),
        UserRecord { factors: vec![app(), passkey(1, "id.example")], ..of("factors", UserState::Active) },
        with("nothing@example.com", |_| {}),
    ])
    .await
    .unwrap();
    let dave = registrar.look_up(&world.person("dave").await).await;
    registrar.require_password_change(&dave.id).await.unwrap();
    for include_hashes in [true, false] {
        let rows = root.export("", include_hashes).await.unwrap().concat();
        let done = root.import(rows.clone()).await.unwrap();
        assert_eq!(usize::try_from(done.unchanged), Ok(rows.len()), "{done:?}");
        assert_eq!(rows.len(), 10);
    }
}

async fn what_a_row_does_not_state_is_not_empty(world: World) {
    let root = root(&world).await;
    let full = UserRecord {
        password_hash: BCRYPT.to_owned(),
        ..with("full@example.com", |user| {
            (user.email_verified, user.username, user.locale) = (true, "full".to_owned(), "de".to_owned());
            (user.display_name, user.state) = ("Full".to_owned(), UserState::Suspended.into());
            (user.state_reason, user.password_change_required) = ("why".to_owned(), true);
        })
    };
    root.import(vec![full]).await.unwrap();
    let before = root.export("", true).await.unwrap().concat();
    let less = vec![
        with("full@example.com", |_| {}),
        with("full@example.com", |user| user.username = "full".to_owned()),
        with("full@example.com", |user| user.state = UserState::Suspended.into()),
        with("full@example.com", |user| user.email_verified = true),
    ];
    let done = root.import(less).await.unwrap();
    assert_eq!((done.accepted, done.unchanged), (4, 4), "{done:?}");
    let other = vec![
        with("full@example.com", |user| user.username = "other".to_owned()),
        with("full@example.com", |user| user.locale = "en".to_owned()),
        with("full@example.com", |user| (user.email_verified, user.state) = (true, UserState::Active.into())),
        UserRecord { provisional: true, ..with("full@example.com", |_| {}) },
        UserRecord { password_hash: BCRYPT.replace("ioTs", "jpUt"), ..with("full@example.com", |_| {}) },
    ];
    let done = root.import(other).await.unwrap();
    assert_eq!((done.accepted, done.refusals.len()), (0, 5), "{done:?}");
    assert_eq!(root.export("", true).await.unwrap().concat(), before);
}

/// A passkey is good for one domain alone. Where it is stored it stays; of those that come, only what leaves its person a way
/// in is taken.
async fn passkeys_of_an_earlier_domain_stay_where_they_are(world: World) {
    let root = root(&world).await;
    let of = |name: &str, factors| {
        let row = with(&format!("{name}@example.com"), |user| user.email_verified = true);
        UserRecord { factors, ..row }
    };
    root.import(vec![of("alice", vec![passkey(1, "id.example")])]).await.unwrap();
    world.database.outsider().await.execute("UPDATE factors SET rp_id = 'old.example' WHERE rp_id IS NOT NULL").await;
    let rows = root.export("", true).await.unwrap().concat();
    let again = root.import(rows).await.unwrap();
    assert_eq!((again.accepted, again.unchanged), (2, 2), "{again:?}");
    let done = root.import(vec![
        of("bob", vec![passkey(2, "old.example")]),
        of("carol", vec![passkey(3, "old.example"), app()]),
        of("dave", vec![passkey(4, "old.example"), passkey(5, "id.example")]),
        of("erin", vec![]),
    ]);
    let done = done.await.unwrap();
    let [told] = &done.refusals[..] else { panic!("{done:?}") };
    assert_eq!((done.accepted, told.row, told.reason(), told.field.as_str()), (3, 0, FieldInvalid, "factors"));
    assert!(told.description.contains("leave the factors out") && told.description.len() <= 256);
}
