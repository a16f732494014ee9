//! What the trail tells of changes.

use ipse::proto::User;
use time::Duration;

use crate::support::on_both_backends;
use crate::support::operator::Operator;
use crate::support::person::token_in;
use crate::support::registrar::newcomer;
use crate::support::trail::Trail;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    a_fresh_service_has_made_its_key
    signing_up
    the_own_account
    a_changed_address
    a_deleted_account_and_its_end
    the_administration_of_people
    roles_and_who_has_them
    a_repeated_call_is_told_of_once
}

async fn a_fresh_service_has_made_its_key(world: World) {
    let lines = Trail::from_the_beginning(&world).lines().await;
    assert_eq!(lines, ["signing_key_created success system>?"]);
}

async fn signing_up(world: World) {
    let mut trail = Trail::from_now_on(&world).await;
    let alice = world.stranger("alice");
    alice.register().await.unwrap();
    trail = trail.knowing(&["alice"]).await;
    alice.register().await.unwrap();
    world.wait(Duration::minutes(2));
    alice.register().await.unwrap();
    let tokens = alice.mails().await;
    alice.verify(&token_in(tokens.last().unwrap())).await.unwrap();
    alice.register().await.unwrap();
    alice.resend_verification().await.unwrap();
    world.stranger("nobody").resend_verification().await.unwrap();
    assert_eq!(
        trail.lines().await,
        [
            "user_created success ->alice",
            "user_updated success ->alice",
            "user_updated success ->alice",
            "email_verified success alice>alice",
            "user_created failure ->alice EMAIL_TAKEN",
            "email_verification_request success ->-",
            "email_verification_request success ->-",
        ]
    );
}

async fn the_own_account(world: World) {
    let device = world.person("alice").await.log_in().await.unwrap();
    let mut trail = Trail::from_now_on(&world).await;
    let user = User { display_name: "Canary".to_owned(), locale: "de".to_owned(), ..User::default() };
    device.update(user, &["display_name", "locale"]).await.unwrap();
    let [event] = &trail.events().await[..] else { panic!("one event is expected") };
    assert_eq!(
        (event.event.kind.as_str(), event.event.details["fields"].as_str()),
        ("user_updated", "display_name,locale")
    );
}

async fn a_changed_address(world: World) {
    let alice = world.person("alice").await;
    let device = alice.log_in().await.unwrap();
    let mut trail = Trail::from_now_on(&world).await.knowing(&["alice"]).await;
    device.change_email("alina@example.com").await.unwrap();
    alice.confirm_email_change(&world.stranger("alina").mailed_token().await).await.unwrap();
    let expected = ["email_change_request success alice>alice", "email_change success alice>alice"];
    assert_eq!(trail.lines().await, expected);
}

async fn a_deleted_account_and_its_end(world: World) {
    let alice = world.person("alice").await;
    let device = alice.log_in().await.unwrap();
    let mut trail = Trail::from_now_on(&world).await.knowing(&["alice"]).await;
    device.delete("not the password at all").await.unwrap_err();
    device.delete(&alice.password).await.unwrap();
    world.wait(Duration::days(30));
    world.purge().await;
    assert_eq!(world.count("users").await, 0);
    assert_eq!(
        trail.lines().await,
        [
            "user_deleted failure alice>alice PASSWORD_WRONG",
            "user_deleted success alice>alice",
            "user_purged success system>alice",
        ]
    );
}

async fn the_administration_of_people(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let mut trail = Trail::from_now_on(&world).await.knowing(&["root"]).await;
    let made = root.create(User { email_verified: true, ..newcomer(&alice) }, &alice.password).await.unwrap();
    trail = trail.knowing(&["alice"]).await;
    let id = &made.id;
    let moved = User { email: "moved@example.com".to_owned(), locale: "de".to_owned(), ..made.clone() };
    root.update(moved, &["email", "locale"]).await.unwrap();
    root.require_password_change(id).await.unwrap();
    root.revoke_sessions_of(id).await.unwrap();
    root.suspend(id, "fraud").await.unwrap();
    root.suspend(id, "again").await.unwrap_err();
    root.activate(id, "a mistake").await.unwrap();
    root.delete(id).await.unwrap();
    root.undelete(id).await.unwrap();
    root.delete(id).await.unwrap();
    root.purge(id).await.unwrap();
    let events = trail.events().await;
    assert_eq!(
        trail.tell(&events),
        [
            "user_created success root>alice",
            "user_updated success root>alice",
            "email_change success root>alice",
            "authn_password_change_required success root>alice",
            "session_revoked success root>alice",
            "user_suspended success root>alice fraud",
            "user_activated success root>alice a mistake",
            "user_deleted success root>alice",
            "user_undeleted success root>alice",
            "user_deleted success root>alice",
            "user_purged success root>alice",
        ]
    );
    assert_eq!(events[1].event.details["fields"], "locale,email");
    assert_eq!(events[4].event.details["sessions"], "0");
}

async fn roles_and_who_has_them(world: World) {
    let (root, alice) = (Operator::root(&world).await, world.person("alice").await.log_in().await.unwrap());
    let id = Operator(alice).id().await;
    let mut trail = Trail::from_now_on(&world).await.knowing(&["alice", "root"]).await;
    let role = root.create("desk", &["orders.read"]).await.unwrap();
    root.grant(&role.id, &id).await.unwrap();
    root.grant(&role.id, &id).await.unwrap();
    root.revoke(&role.id, &id).await.unwrap();
    let role = root
        .update(
            ipse::proto::Role { permissions: vec!["orders.*".to_owned()], mfa_required: true, ..role },
            &["permissions", "mfa_required"],
        )
        .await;
    let role = role.unwrap();
    root.delete(&role.id, "").await.unwrap();
    let events = trail.events().await;
    assert_eq!(events[0].event.details["permissions"], "orders.read");
    assert_eq!(events[0].event.details["mfa_required"], "false");
    assert_eq!((&events[1].event.details["granted"], &events[2].event.details["revoked"]), (&role.id, &role.id));
    assert_eq!(events[3].event.details["permissions"], "orders.*");
    assert_eq!(events[3].event.details["mfa_required"], "true");
    assert_eq!(
        trail.tell(&events),
        [
            "role_created success root>?",
            "privilege_permissions_changed success root>alice",
            "privilege_permissions_changed success root>alice",
            "role_updated success root>?",
            "role_deleted success root>?",
        ]
    );
}

async fn a_repeated_call_is_told_of_once(world: World) {
    let (root, alice) = (Operator::root(&world).await, world.person("alice").await.log_in().await.unwrap());
    let id = Operator(alice).id().await;
    let role = root.create("desk", &["orders.read"]).await.unwrap();
    let mut trail = Trail::from_now_on(&world).await;
    for _ in 0..2 {
        root.grant_as("0190d5ac-0000-7000-8000-000000000001", &role.id, &id).await.unwrap();
    }
    assert_eq!(trail.events().await.len(), 1);
}
