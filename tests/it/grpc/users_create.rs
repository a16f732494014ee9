use futures_util::future::join_all;
use ipse::proto::ErrorReason::{
    CredentialsInvalid, EmailNotVerified, EmailTaken, FieldInvalid, PasswordBlocklisted, PasswordTooLong,
    PasswordTooShort, UsernameTaken,
};
use ipse::proto::{User, UserState};
use prost_types::value::Kind;
use prost_types::{Struct, Value};
use time::Duration;

use crate::support::on_both_backends;
use crate::support::refusal::{reason, refusal};
use crate::support::registrar::newcomer;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    with_a_password_the_person_signs_in_once_the_address_is_proven
    an_address_that_is_vouched_for_needs_no_proof
    without_a_password_an_invitation_is_mailed
    everything_that_may_be_set_is_kept_and_the_rest_is_the_servers
    names_of_others_are_refused_openly
    of_parallel_creations_of_one_address_one_succeeds
    every_unacceptable_field_is_named
    the_policy_holds_for_first_passwords
    nobody_takes_the_place_of_an_account_that_an_operator_made
    nobody_can_hold_an_operators_mail_back
}

async fn with_a_password_the_person_signs_in_once_the_address_is_proven(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let made = root.create(newcomer(&alice), &alice.password).await.unwrap();
    assert_eq!((made.state(), made.email_verified), (UserState::Pending, false));
    assert_eq!(root.get(&made.id).await.unwrap(), made);
    assert_eq!(reason(alice.log_in().await), EmailNotVerified);
    alice.verify(&alice.mailed_token().await).await.unwrap();
    assert_eq!(alice.log_in().await.unwrap().me().await.unwrap().user.unwrap().id, made.id);
    assert_eq!(root.get(&made.id).await.unwrap().state(), UserState::Active);
}

async fn an_address_that_is_vouched_for_needs_no_proof(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let vouched = User { email_verified: true, ..newcomer(&alice) };
    let made = root.create(vouched, &alice.password).await.unwrap();
    assert_eq!((made.state(), made.email_verified), (UserState::Active, true));
    assert_eq!(alice.mail_kinds().await, ["welcome"]);
    alice.log_in().await.unwrap();
}

async fn without_a_password_an_invitation_is_mailed(world: World) {
    let root = world.registrar().await;
    for (name, email_verified, state) in [("alice", false, UserState::Pending), ("bob", true, UserState::Active)] {
        let guest = world.stranger(name);
        let made = root.create(User { email_verified, ..newcomer(&guest) }, "").await.unwrap();
        assert_eq!(made.state(), state);
        assert_eq!(reason(guest.log_in().await), CredentialsInvalid);
        let (kinds, token) = guest.mailed_kinds_and_token().await;
        assert_eq!(kinds, ["invitation"]);
        guest.reset(&token, &guest.password).await.unwrap();
        guest.log_in().await.unwrap();
        let accepted = root.get(&made.id).await.unwrap();
        assert_eq!((accepted.state(), accepted.email_verified), (UserState::Active, true));
    }
}

async fn everything_that_may_be_set_is_kept_and_the_rest_is_the_servers(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let plan = Value { kind: Some(Kind::StringValue("gold".to_owned())) };
    let wish = User {
        id: "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
        username: "Queen".to_owned(),
        display_name: "Alice L.".to_owned(),
        locale: "de-CH".to_owned(),
        attributes: Some(Struct { fields: [("plan".to_owned(), plan)].into() }),
        state: UserState::Suspended.into(),
        state_reason: "none".to_owned(),
        password_change_required: true,
        mfa_enabled: true,
        etag: "\"7\"".to_owned(),
        ..newcomer(&alice)
    };
    let made = root.create(wish.clone(), &alice.password).await.unwrap();
    let expected = User {
        id: made.id.clone(),
        username: "queen".to_owned(),
        state: UserState::Pending.into(),
        state_reason: String::new(),
        password_change_required: false,
        mfa_enabled: false,
        create_time: made.create_time,
        update_time: made.create_time,
        etag: made.etag.clone(),
        ..wish.clone()
    };
    assert_eq!(made, expected);
    assert!(made.id != wish.id && made.etag != wish.etag && made.create_time.is_some());
    assert_eq!(root.get(&made.id).await.unwrap(), made);
    assert_eq!(alice.mails().await[0].locale.as_ref().unwrap().as_str(), "de-CH");
}

async fn names_of_others_are_refused_openly(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let made = root.create(User { username: "queen".to_owned(), ..newcomer(&alice) }, &alice.password).await.unwrap();
    alice.mails().await;
    for round in ["while it is there", "after its deletion"] {
        let shouted = User { email: "ALICE@Example.COM".to_owned(), ..User::default() };
        assert_eq!(reason(root.create(shouted, &alice.password).await), EmailTaken, "{round}");
        let named = User { username: "QUEEN".to_owned(), ..newcomer(&world.stranger("bob")) };
        assert_eq!(reason(root.create(named, "").await), UsernameTaken, "{round}");
        if round == "while it is there" {
            root.delete(&made.id).await.unwrap();
        }
    }
    assert!(world.mails().await.is_empty(), "a refusal mails nothing");
    assert_eq!(world.count("users").await, 2);
}

async fn of_parallel_creations_of_one_address_one_succeeds(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let outcomes = join_all((0..8).map(|_| root.create(newcomer(&alice), ""))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for refused in outcomes.into_iter().filter(Result::is_err) {
        assert_eq!(reason(refused), EmailTaken);
    }
    assert_eq!(alice.mail_kinds().await, ["invitation"]);
}

async fn every_unacceptable_field_is_named(world: World) {
    let root = world.registrar().await;
    let number = Value { kind: Some(Kind::StringValue("x".repeat(8192))) };
    let wrong = User {
        email: "nowhere".to_owned(),
        username: "a".to_owned(),
        display_name: "two\nlines".to_owned(),
        locale: "!".to_owned(),
        attributes: Some(Struct { fields: [("a".to_owned(), number)].into() }),
        ..User::default()
    };
    let refused = refusal(root.create(wrong, "short").await);
    let fields = ["user.email", "user.username", "user.display_name", "user.locale", "user.attributes", "password"];
    assert_eq!((refused.reason, refused.fields), (FieldInvalid, fields.map(str::to_owned).to_vec()));
    assert_eq!(refusal(root.create(User::default(), "").await).fields, ["user.email"]);
    assert_eq!(world.count("users").await, 1);
}

async fn the_policy_holds_for_first_passwords(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    for (password, expected) in [
        ("fourteen chars", PasswordTooShort),
        (&*"long".repeat(65), PasswordTooLong),
        ("passwordpassword", PasswordBlocklisted),
        ("alice@example.com", PasswordBlocklisted),
    ] {
        let refused = refusal(root.create(newcomer(&alice), password).await);
        assert_eq!((refused.reason, refused.fields), (expected, vec!["password".to_owned()]), "{password}");
    }
}

async fn nobody_takes_the_place_of_an_account_that_an_operator_made(world: World) {
    let root = world.registrar().await;
    for (name, by_invitation) in [("alice", false), ("bob", true)] {
        let owner = world.stranger(name);
        let mallory = owner.with_password("a password of somebody else");
        root.create(newcomer(&owner), if by_invitation { "" } else { &owner.password }).await.unwrap();
        let first = owner.mailed_token().await;
        world.wait(Duration::minutes(2));
        mallory.register().await.unwrap();
        assert_eq!(owner.mail_kinds().await, ["already_registered"]);
        if by_invitation {
            owner.reset(&first, &owner.password).await.unwrap();
        } else {
            owner.verify(&first).await.unwrap();
        }
        assert_eq!(reason(mallory.log_in().await), CredentialsInvalid);
        owner.log_in().await.unwrap();
    }
}

async fn nobody_can_hold_an_operators_mail_back(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    for _ in 0..6 {
        alice.resend_verification().await.unwrap();
        alice.request_reset().await.unwrap();
        world.wait(Duration::minutes(1));
    }
    let made = root.create(newcomer(&alice), &alice.password).await.unwrap();
    assert_eq!(alice.mail_kinds().await, ["verify_email"]);
    root.require_password_change(&made.id).await.unwrap();
    assert_eq!(alice.mail_kinds().await, ["reset_password"]);
}
