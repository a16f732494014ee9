//! Second factors on their way in and out.

use ipse::proto::complete_mfa_request::Proof;
use ipse::proto::factor_record::Method;
use ipse::proto::{
    ErrorReason::{CredentialExists, EmailTaken, FieldInvalid, MfaCodeInvalid},
    FactorRecord, ImportUsersRequest, PasskeyRecord, RecoveryCodesRecord, UserRecord,
};
use prost_types::Timestamp;
use time::Duration;

use super::{people, root, rows};
use crate::support::authenticator::Authenticator;
use crate::support::dump::{contains, dump};
use crate::support::factors::AuthenticatorApp;
use crate::support::on_both_backends;
use crate::support::refusal::reason;
use crate::support::transfer::{Transfer, row, with};
use crate::support::world::{ISSUER, World};

on_both_backends! {
    World::start =>
    factors_that_others_made_sign_in
    bad_factors_are_refused_with_their_row
    a_passkey_is_one_persons
    rows_that_state_factors_are_compared_with_them
    a_dry_run_stores_no_factors
    a_batch_of_people_with_factors_is_stored
}

on_both_backends! {
    async |backend: Backend| (World::start(backend).await, World::start(backend).await) =>
    factors_go_along_and_sign_in_elsewhere
}

/// What a base32 text of 20 bytes is.
const SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const SALT: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$";
const TAGS: [&str; 2] = ["gYJZtjEAJqjg26xdLmknq8/bB7MiWPrE9hsYuA+SkIU", "AAJZtjEAJqjg26xdLmknq8/bB7MiWPrE9hsYuA+SkIU"];

fn factor(method: Method) -> FactorRecord {
    FactorRecord { method: Some(method), ..FactorRecord::default() }
}

fn totp(uri: &str) -> FactorRecord {
    factor(Method::OtpauthUri(uri.to_owned()))
}

fn app() -> FactorRecord {
    totp(&format!("otpauth://totp/Elsewhere:alice?secret={SECRET}&issuer=Elsewhere"))
}

fn codes(hashes: &[&str]) -> FactorRecord {
    let hashes = hashes.iter().map(|hash| (*hash).to_owned()).collect();
    factor(Method::RecoveryCodes(RecoveryCodesRecord { hashes }))
}

/// A passkey for Ed25519 with this number as its credential id.
fn passkey(number: u8, change: impl FnOnce(&mut PasskeyRecord)) -> FactorRecord {
    let head = [0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 0x20];
    let mut passkey = PasskeyRecord {
        credential_id: vec![number],
        public_key: [&head[..], &[7; 32]].concat(),
        user_handle: vec![1],
        rp_id: "id.example".to_owned(),
        ..PasskeyRecord::default()
    };
    change(&mut passkey);
    factor(Method::Passkey(passkey))
}

fn having(email: &str, factors: Vec<FactorRecord>) -> UserRecord {
    UserRecord { factors, ..with(email, |user| user.email_verified = true) }
}

async fn exported(transfer: &Transfer<'_>, filter: &str, include_hashes: bool) -> Vec<UserRecord> {
    transfer.export(filter, include_hashes).await.unwrap().concat()
}

async fn factors_go_along_and_sign_in_elsewhere((one, other): (World, World)) {
    // Ids are made of the time, and the random bytes of both are the same.
    let to = root(&other).await;
    one.wait(Duration::minutes(1));
    other.wait(Duration::minutes(1));
    let alice = one.person("alice").await;
    let mut key = Authenticator::new();
    let phone = alice.log_in().await.unwrap();
    let codes = phone.register_passkey(&mut key, ISSUER).await.unwrap().recovery_codes;
    let phone = alice.log_in_with_passkey(&mut key, ISSUER).await.unwrap();
    let app = phone.enrol_app().await.unwrap().app;
    let used = alice.challenge().await;
    alice.answer(&used, Proof::RecoveryCode(codes[0].clone())).await.unwrap();

    let from = root(&one).await;
    let of_alice = "email = \"alice@example.com\"";
    assert!(exported(&from, of_alice, false).await.iter().all(|row| row.factors.is_empty()));
    let rows = exported(&from, of_alice, true).await;
    let names: Vec<&str> = rows[0].factors.iter().map(|factor| factor.display_name.as_str()).collect();
    assert_eq!(names.len(), 3, "a passkey, an app, recovery codes");
    assert!(names.contains(&"phone"));
    let answer = to.import(rows.clone()).await.unwrap();
    assert_eq!(answer.accepted, 1, "{answer:?}");
    assert_eq!(exported(&to, of_alice, true).await, rows);
    let secret = secret_of(&rows[0]);
    for world in [&one, &other] {
        let dump = dump(world).await;
        assert!(!contains(&dump, secret.as_bytes()) && !contains(&dump, &base32(&secret)));
    }

    // What was used there is not good for once more here.
    let alice = other.stranger("alice");
    let stale = Proof::TotpCode(app.code(one.now()));
    assert_eq!(reason(alice.answer(&alice.challenge().await, stale).await), MfaCodeInvalid);
    let stale = Proof::RecoveryCode(codes[0].clone());
    assert_eq!(reason(alice.answer(&alice.challenge().await, stale).await), MfaCodeInvalid);
    other.wait(Duration::minutes(1));
    alice.log_in_with_app(&app).await.unwrap();
    alice.log_in_with_passkey(&mut key, ISSUER).await.unwrap();
    alice.answer(&alice.challenge().await, Proof::RecoveryCode(codes[1].clone())).await.unwrap();
    // The uses do not count as changes.
    for transfer in [&from, &to] {
        let again = transfer.import(rows.clone()).await.unwrap();
        assert_eq!((again.accepted, again.unchanged), (1, 1), "{again:?}");
    }
}

fn secret_of(row: &UserRecord) -> String {
    let uri = row.factors.iter().find_map(|factor| match &factor.method {
        Some(Method::OtpauthUri(uri)) => Some(uri.clone()),
        _ => None,
    });
    let uri = uri.expect("an app");
    let secret = uri.split_once("secret=").unwrap().1;
    secret.split('&').next().unwrap().to_owned()
}

fn base32(text: &str) -> Vec<u8> {
    let bits: String = text
        .bytes()
        .map(|byte| b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|letter| *letter == byte).unwrap())
        .map(|value| format!("{value:05b}"))
        .collect::<Vec<_>>()
        .concat();
    bits.as_bytes().chunks_exact(8).map(|bits| u8::from_str_radix(str::from_utf8(bits).unwrap(), 2).unwrap()).collect()
}

async fn factors_that_others_made_sign_in(world: World) {
    let root = root(&world).await;
    let bcrypt = "$2b$04$ioTsaldKJflwuhh27ZmVPegB2rLQVtmxG1HtMERJ3IICHAGn2xnTq";
    let alice = UserRecord { password_hash: bcrypt.to_owned(), ..having("alice@example.com", vec![app()]) };
    assert_eq!(root.import(vec![alice]).await.unwrap().accepted, 1);
    let alice = world.stranger("alice").with_password("correct horse battery staple");
    let phone = alice.log_in_with_app(&AuthenticatorApp::new(SECRET)).await.unwrap();
    assert!(phone.me().await.unwrap().user.unwrap().mfa_enabled);
    let [factor] = phone.factors().await.unwrap().try_into().unwrap();
    assert_eq!(factor.state(), ipse::proto::FactorState::Active);
}

async fn bad_factors_are_refused_with_their_row(world: World) {
    let root = root(&world).await;
    let uri = |rest: &str| totp(&format!("otpauth://totp/a?secret={rest}"));
    let hash = |place: usize| format!("{SALT}{}", TAGS[place]);
    let weak = hash(0).replace("m=19456", "m=19455");
    let other_salt = hash(1).replace("AAECAwQF", "BBECAwQF");
    let with_codes = |hashes: &[&str]| vec![app(), codes(hashes)];
    let ed25519 = |key: Vec<u8>| passkey(1, |passkey| passkey.public_key = key);
    let late = Some(Timestamp { seconds: i64::MAX, nanos: 0 });
    let unnamed = || FactorRecord { display_name: ["x"; 65].concat(), ..app() };
    let bad: Vec<(&str, Vec<FactorRecord>)> = vec![
        ("must be at most 21", vec![app(); 22]),
        ("must be at most 20 TOTP", (0..21).map(|number| passkey(number, |_| {})).collect()),
        ("twice", vec![app(), app()]),
        ("twice", vec![passkey(1, |_| {}), passkey(1, |passkey| passkey.sign_count = 7)]),
        ("beside recovery codes", vec![codes(&[&hash(0)])]),
        ("one set", vec![app(), codes(&[]), codes(&[])]),
        ("at 0: must have otpauth_uri", vec![FactorRecord::default()]),
        ("at 0: display_name", vec![unnamed()]),
        ("years", vec![FactorRecord { create_time: late, ..app() }]),
        ("at 1: otpauth_uri must be an otpauth URI", vec![app(), totp("https://example.com")]),
        ("otpauth_uri is required", vec![totp("")]),
        ("otpauth_uri must have a secret", vec![uri("JBSWY3DP")]),
        ("SHA-1", vec![uri(&format!("{SECRET}&algorithm=SHA256"))]),
        ("6 digits", vec![uri(&format!("{SECRET}&digits=8"))]),
        ("30 seconds", vec![uri(&format!("{SECRET}&period=60"))]),
        ("at most 2048 bytes", vec![uri(&["A"; 2048].concat())]),
        ("passkey.credential_id", vec![passkey(1, |passkey| passkey.credential_id.clear())]),
        ("passkey.credential_id", vec![passkey(1, |passkey| passkey.credential_id = vec![1; 1024])]),
        ("passkey.user_handle", vec![passkey(1, |passkey| passkey.user_handle = vec![1; 65])]),
        ("passkey.rp_id must be a domain", vec![app(), passkey(1, |passkey| passkey.rp_id = "a b".to_owned())]),
        ("passkey.rp_id must be a domain", vec![app(), passkey(1, |passkey| passkey.rp_id = ["a"; 254].concat())]),
        ("passkey.rp_id that is not", vec![passkey(1, |passkey| passkey.rp_id = "example".to_owned())]),
        ("passkey.sign_count", vec![passkey(1, |passkey| passkey.sign_count = -1)]),
        ("passkey.sign_count", vec![passkey(1, |passkey| passkey.sign_count = 1 << 32)]),
        ("passkey.aaguid", vec![passkey(1, |passkey| passkey.aaguid = "1".to_owned())]),
        ("passkey.transports", vec![passkey(1, |passkey| passkey.transports = vec!["U S B".to_owned()])]),
        ("passkey.transports", vec![passkey(1, |passkey| passkey.transports = vec!["usb".to_owned(); 17])]),
        ("passkey.backed_up", vec![passkey(1, |passkey| passkey.backed_up = true)]),
        ("passkey.public_key must be a COSE_Key", vec![ed25519(vec![])]),
        ("passkey.public_key must be a COSE_Key", vec![ed25519(vec![0xa0])]),
        ("passkey.public_key must be at most", vec![ed25519(vec![0; 2049])]),
        ("passkey.public_key must be of the algorithms", vec![ed25519(vec![0xa2, 1, 1, 3, 0x26 + 10])]),
        ("recovery_codes.hashes", with_codes(&[&hash(0), &hash(0)])),
        ("recovery_codes.hashes", with_codes(&[&hash(0), &other_salt])),
        ("recovery_codes.hashes", with_codes(&["$2b$04$ioTsaldKJflwuhh27ZmVPegB2rLQVtmxG1HtMERJ3IICHAGn2xnTq"])),
        ("recovery_codes.hashes", with_codes(&[&weak])),
        ("recovery_codes.hashes must be at most 10", with_codes(&[""; 11])),
    ];
    let mut batch: Vec<UserRecord> =
        bad.iter().map(|(_, factors)| having("bad@example.com", factors.clone())).collect();
    batch.push(UserRecord { provisional: true, factors: vec![app()], ..row("bad@example.com") });
    batch.push(having("good@example.com", vec![app(), passkey(1, |_| {}), codes(&[&hash(0), &hash(1)])]));
    let answer = root.import(batch).await.unwrap();
    assert_eq!((answer.accepted, answer.refusals.len()), (1, bad.len() + 1));
    let said = bad.iter().map(|(said, _)| *said).chain(["must not be there with provisional"]);
    for (refusal, said) in answer.refusals.iter().zip(said) {
        assert_eq!((refusal.reason(), refusal.field.as_str()), (FieldInvalid, "factors"), "{said}");
        assert!(refusal.description.contains(said), "{said}: {}", refusal.description);
        assert!(!refusal.description.contains(SECRET) && refusal.description.len() <= 256);
    }
    assert_eq!([world.count("factors").await, world.count("recovery_codes").await], [3, 2]);
}

async fn a_passkey_is_one_persons(world: World) {
    let root = root(&world).await;
    let of = |name: &str, number| having(&format!("{name}@example.com"), vec![app(), passkey(number, |_| {})]);
    let batch = vec![of("person1", 1), of("person2", 1), of("person1", 1), of("person3", 3)];
    let answer = root.import(batch).await.unwrap();
    assert_eq!((answer.accepted, answer.unchanged), (3, 1), "{answer:?}");
    let answer = root.import(vec![of("person4", 1), of("person5", 5), of("person3", 3)]).await.unwrap();
    assert_eq!((answer.accepted, answer.unchanged), (2, 1), "{answer:?}");
    let [refusal] = &answer.refusals[..] else { panic!("{answer:?}") };
    assert_eq!((refusal.row, refusal.reason(), refusal.field.as_str()), (0, CredentialExists, "factors"));
    assert_eq!((people(&world).await, world.count("factors").await), (3, 6));
}

async fn rows_that_state_factors_are_compared_with_them(world: World) {
    let root = root(&world).await;
    let named = |name: &str| FactorRecord { display_name: name.to_owned(), ..app() };
    let alice = |factors| having("alice@example.com", factors);
    root.import(vec![alice(vec![named("phone"), passkey(1, |_| {})])]).await.unwrap();
    for (factors, is_stored) in [
        (vec![passkey(1, |_| {}), named("phone")], true),
        // Who states none says nothing about them.
        (vec![], true),
        (vec![named("phone")], false),
        (vec![named("tablet"), passkey(1, |_| {})], false),
        (vec![named("phone"), passkey(2, |_| {})], false),
        (vec![named("phone"), passkey(1, |passkey| passkey.user_handle = vec![2])], false),
        (vec![named("phone"), passkey(1, |passkey| passkey.sign_count = 1)], false),
        (vec![named("phone"), passkey(1, |_| {}), codes(&[])], false),
    ] {
        let answer = root.import(vec![alice(factors.clone())]).await.unwrap();
        let refused = answer.refusals.first().map(ipse::proto::ImportRefusal::reason);
        assert_eq!((answer.unchanged == 1, refused), (is_stored, (!is_stored).then_some(EmailTaken)), "{factors:?}");
    }
}

async fn a_dry_run_stores_no_factors(world: World) {
    let root = root(&world).await;
    let rows = vec![
        having("alice@example.com", vec![app(), passkey(1, |_| {})]),
        having("bob@example.com", vec![passkey(1, |_| {})]),
    ];
    for (dry_run, factors) in [(true, 0), (false, 2)] {
        let request = ImportUsersRequest { rows: rows.clone(), dry_run, request_id: String::new() };
        let answer = root.import_as(request).await.unwrap();
        assert_eq!((answer.accepted, answer.refusals[0].reason()), (1, CredentialExists));
        assert_eq!(world.count("factors").await, factors);
    }
}

/// As many as fit into a message, and people without factors among them.
async fn a_batch_of_people_with_factors_is_stored(world: World) {
    let root = root(&world).await;
    let mut batch = rows(0..250);
    for (number, row) in batch.iter_mut().enumerate().filter(|(number, _)| number % 2 == 0) {
        let disabled = FactorRecord { disabled: number % 4 == 0, ..app() };
        row.factors = vec![disabled, passkey(0, |passkey| passkey.credential_id = number.to_be_bytes().to_vec())];
    }
    assert_eq!(root.import(batch).await.unwrap().accepted, 250);
    assert_eq!(world.count("factors").await, 250);
    assert_eq!(world.count("users WHERE mfa_enabled").await, 125);
    let rows = exported(&root, "email = \"person*\"", true).await;
    let disabled = rows.iter().flat_map(|row| &row.factors).filter(|factor| factor.disabled).count();
    assert_eq!((rows.len(), disabled), (250, 63));
}
