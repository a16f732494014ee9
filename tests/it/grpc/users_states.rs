use futures_util::future::join_all;
use ipse::proto::ErrorReason::{
    AccountDisabled, ActionTokenInvalid, CredentialsInvalid, EmailTaken, EtagMismatch, LastAdmin,
    PasswordChangeRequired, RefreshTokenInvalid, ResourceNotFound, TokenInvalid, UserStateInvalid,
};
use ipse::proto::{User, UserState};
use time::Duration;
use tonic::Status;

use crate::support::on_both_backends;
use crate::support::person::Person;
use crate::support::refusal::{reason, refusal};
use crate::support::registrar::{Registrar, newcomer};
use crate::support::world::World;

on_both_backends! {
    World::start =>
    a_suspension_ends_every_session_at_once_on_every_replica
    a_suspension_is_lifted_and_its_sessions_stay_ended
    whoever_had_not_proven_the_address_still_has_to
    a_suspension_voids_mailed_tokens
    a_deletion_ends_every_session_and_is_taken_back
    a_deletion_hides_a_suspension_and_does_not_lift_it
    an_etag_guards_deletion_and_undeletion
    each_state_refuses_what_it_does_not_allow
    a_deleted_account_is_erased_on_command
    a_deleted_account_is_erased_by_itself_when_its_time_has_come
    an_undeleted_account_is_not_erased
    a_demanded_change_ends_every_session_and_mails_a_link
    a_suspended_account_gets_no_link
    all_sessions_of_a_person_are_ended_at_once
    the_last_administrator_is_neither_suspended_nor_deleted
    two_administrators_cannot_suspend_each_other
    a_sign_in_during_a_suspension_leaves_no_session_behind
    who_is_not_there_is_not_found
    reasons_and_ids_are_checked
}

const NOBODY: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// Makes an account with a password and a proven address. Its id.
async fn settled(root: &Registrar<'_>, person: &Person<'_>) -> String {
    let vouched = User { email_verified: true, ..newcomer(person) };
    let id = root.create(vouched, &person.password).await.unwrap().id;
    assert_eq!(person.mail_kinds().await, ["welcome"]);
    id
}

async fn erase(world: &World) {
    world.purge().await;
}

async fn a_suspension_ends_every_session_at_once_on_every_replica(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let id = settled(&root, &alice).await;
    let other = world.another_replica().await;
    let here = alice.log_in().await.unwrap();
    let there = alice.through(&other.channel).log_in().await.unwrap();
    there.me().await.unwrap();
    let suspended = root.suspend(&id, "fraud").await.unwrap();
    assert_eq!((suspended.state(), suspended.state_reason.as_str()), (UserState::Suspended, "fraud"));
    assert_eq!(root.get(&id).await.unwrap(), suspended);
    for device in [&here, &there] {
        assert_eq!(reason(device.me().await), TokenInvalid);
        assert_eq!(reason(device.refresh().await), RefreshTokenInvalid);
    }
    assert_eq!(reason(alice.log_in().await), AccountDisabled);
    other.stop().await;
}

async fn a_suspension_is_lifted_and_its_sessions_stay_ended(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let id = settled(&root, &alice).await;
    let phone = alice.log_in().await.unwrap();
    root.suspend(&id, "fraud").await.unwrap();
    let active = root.activate(&id, "a mistake").await.unwrap();
    assert_eq!((active.state(), active.state_reason.as_str()), (UserState::Active, "a mistake"));
    assert_eq!(reason(phone.me().await), TokenInvalid);
    assert_eq!(reason(phone.refresh().await), RefreshTokenInvalid);
    alice.log_in().await.unwrap();
}

async fn whoever_had_not_proven_the_address_still_has_to(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    alice.register().await.unwrap();
    let id = root.look_up(&alice).await.id;
    root.suspend(&id, "").await.unwrap();
    assert_eq!(root.activate(&id, "").await.unwrap().state(), UserState::Pending);
    world.wait(Duration::minutes(1));
    alice.mails().await;
    alice.resend_verification().await.unwrap();
    alice.verify(&alice.mailed_token().await).await.unwrap();
    alice.log_in().await.unwrap();
}

async fn a_suspension_voids_mailed_tokens(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let id = settled(&root, &alice).await;
    alice.request_reset().await.unwrap();
    let token = alice.mailed_token().await;
    root.suspend(&id, "").await.unwrap();
    root.activate(&id, "").await.unwrap();
    assert_eq!(reason(alice.reset(&token, "a whole new password").await), ActionTokenInvalid);
}

async fn a_deletion_ends_every_session_and_is_taken_back(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let id = settled(&root, &alice).await;
    let phone = alice.log_in().await.unwrap();
    let before = root.get(&id).await.unwrap();
    world.wait(Duration::minutes(1));
    let deleted = root.delete(&id).await.unwrap();
    let (gone, purged) = (deleted.delete_time.unwrap(), deleted.purge_time.unwrap());
    assert_eq!((deleted.state(), gone), (UserState::Deleted, deleted.update_time.unwrap()));
    assert_eq!(purged.seconds - gone.seconds, Duration::days(30).whole_seconds());
    assert_eq!(reason(phone.me().await), TokenInvalid);
    assert_eq!(reason(alice.log_in().await), CredentialsInvalid);
    assert_eq!(reason(root.create(newcomer(&alice), "").await), EmailTaken);

    let restored = root.undelete(&id).await.unwrap();
    let expected = User { update_time: restored.update_time, etag: restored.etag.clone(), ..before };
    assert_eq!(restored, expected);
    assert_eq!(reason(phone.me().await), TokenInvalid);
    alice.log_in().await.unwrap();
}

async fn a_deletion_hides_a_suspension_and_does_not_lift_it(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let id = settled(&root, &alice).await;
    root.suspend(&id, "fraud").await.unwrap();
    root.delete(&id).await.unwrap();
    let restored = root.undelete(&id).await.unwrap();
    assert_eq!((restored.state(), restored.state_reason.as_str()), (UserState::Suspended, "fraud"));
    assert_eq!(reason(alice.log_in().await), AccountDisabled);
    assert_eq!(root.activate(&id, "").await.unwrap().state(), UserState::Active);
}

async fn an_etag_guards_deletion_and_undeletion(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let id = settled(&root, &alice).await;
    let read = root.get(&id).await.unwrap();
    root.update(User { locale: "de".to_owned(), ..read.clone() }, &["locale"]).await.unwrap();
    assert_eq!(reason(root.delete_as_read(&id, &read.etag).await), EtagMismatch);
    let fresh = root.get(&id).await.unwrap();
    let deleted = root.delete_as_read(&id, &fresh.etag).await.unwrap();
    assert_eq!(reason(root.undelete_as_read(&id, &fresh.etag).await), EtagMismatch);
    root.undelete_as_read(&id, &deleted.etag).await.unwrap();
}

async fn each_state_refuses_what_it_does_not_allow(world: World) {
    #[track_caller]
    fn refused<T>(outcome: Result<T, Status>, state: &str) {
        let refused = refusal(outcome);
        assert_eq!((refused.reason, refused.metadata["state"].as_str()), (UserStateInvalid, state));
    }
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let id = root.create(newcomer(&alice), &alice.password).await.unwrap().id;
    for state in ["PENDING", "ACTIVE"] {
        refused(root.activate(&id, "").await, state);
        refused(root.undelete(&id).await, state);
        refused(root.purge(&id).await, state);
        let vouched = User { id: id.clone(), email_verified: true, ..User::default() };
        root.update(vouched, &[]).await.unwrap();
    }
    let suspended = root.suspend(&id, "the first reason").await.unwrap();
    refused(root.suspend(&id, "another reason").await, "SUSPENDED");
    refused(root.undelete(&id).await, "SUSPENDED");
    refused(root.purge(&id).await, "SUSPENDED");
    assert_eq!(root.get(&id).await.unwrap(), suspended, "a refusal changes nothing");
    let deleted = root.delete(&id).await.unwrap();
    refused(root.suspend(&id, "").await, "DELETED");
    refused(root.activate(&id, "").await, "DELETED");
    refused(root.delete(&id).await, "DELETED");
    refused(root.require_password_change(&id).await, "DELETED");
    assert_eq!(root.get(&id).await.unwrap(), deleted, "a refusal changes nothing");
}

async fn a_deleted_account_is_erased_on_command(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let id = settled(&root, &alice).await;
    alice.log_in().await.unwrap();
    world.give_role(&alice.email, "auditor").await;
    root.require_password_change(&id).await.unwrap();
    root.delete(&id).await.unwrap();
    root.purge(&id).await.unwrap();
    assert!(alice.mails().await.is_empty(), "what waited to be sent is gone too");
    assert_eq!(reason(root.get(&id).await), ResourceNotFound);
    assert_eq!(reason(root.undelete(&id).await), ResourceNotFound);
    for (table, left) in [("users", 1), ("passwords", 1), ("sessions", 1), ("action_tokens", 0), ("role_grants", 1)] {
        assert_eq!(world.count(table).await, left, "{table}: the administrator's");
    }
    let again = settled(&root, &alice).await;
    assert_ne!(again, id);
    alice.log_in().await.unwrap();
}

async fn a_deleted_account_is_erased_by_itself_when_its_time_has_come(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let id = settled(&root, &alice).await;
    root.delete(&id).await.unwrap();
    world.wait(Duration::days(30) - Duration::MICROSECOND);
    erase(&world).await;
    assert_eq!(world.count("users").await, 2);
    world.wait(Duration::MICROSECOND);
    erase(&world).await;
    assert_eq!(world.count("users").await, 1);
}

async fn an_undeleted_account_is_not_erased(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let id = settled(&root, &alice).await;
    root.delete(&id).await.unwrap();
    world.wait(Duration::days(29));
    let root = Registrar(world.stranger("root").log_in().await.unwrap());
    root.undelete(&id).await.unwrap();
    world.wait(Duration::days(60));
    erase(&world).await;
    alice.log_in().await.unwrap();
}

async fn a_demanded_change_ends_every_session_and_mails_a_link(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let id = settled(&root, &alice).await;
    let phone = alice.log_in().await.unwrap();
    let demanded = root.require_password_change(&id).await.unwrap();
    assert!(demanded.password_change_required && demanded.state() == UserState::Active);
    assert_eq!(reason(phone.me().await), TokenInvalid);
    assert_eq!(reason(alice.log_in().await), PasswordChangeRequired);
    let first = alice.mailed_token().await;
    root.require_password_change(&id).await.unwrap();
    assert_eq!(reason(alice.reset(&first, "a whole new password").await), ActionTokenInvalid);
    alice.reset(&alice.mailed_token().await, "a whole new password").await.unwrap();
    assert!(!root.get(&id).await.unwrap().password_change_required);
    alice.with_password("a whole new password").log_in().await.unwrap();
}

async fn a_suspended_account_gets_no_link(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let id = settled(&root, &alice).await;
    root.suspend(&id, "").await.unwrap();
    root.require_password_change(&id).await.unwrap();
    assert!(alice.mails().await.is_empty());
    root.activate(&id, "").await.unwrap();
    assert_eq!(reason(alice.log_in().await), PasswordChangeRequired);
    alice.request_reset().await.unwrap();
    alice.reset(&alice.mailed_token().await, "a whole new password").await.unwrap();
    alice.with_password("a whole new password").log_in().await.unwrap();
}

async fn all_sessions_of_a_person_are_ended_at_once(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let id = settled(&root, &alice).await;
    let devices = [alice.log_in().await.unwrap(), alice.log_in().await.unwrap()];
    assert_eq!(root.revoke_sessions_of(&id).await.unwrap(), 2);
    for device in &devices {
        assert_eq!(reason(device.me().await), TokenInvalid);
    }
    assert_eq!(root.revoke_sessions_of(&id).await.unwrap(), 0);
    alice.log_in().await.unwrap();
    let own = root.0.me().await.unwrap().user.unwrap().id;
    assert_eq!(root.revoke_sessions_of(&own).await.unwrap(), 1);
    assert_eq!(reason(root.get(&id).await), TokenInvalid);
}

async fn the_last_administrator_is_neither_suspended_nor_deleted(world: World) {
    let root = world.registrar().await;
    let own = root.0.me().await.unwrap().user.unwrap();
    assert_eq!(reason(root.suspend(&own.id, "").await), LastAdmin);
    assert_eq!(reason(root.delete(&own.id).await), LastAdmin);
    assert_eq!(root.get(&own.id).await.unwrap(), own);
    let second = Registrar(world.person_with_role("second", "administrator").await);
    assert_eq!(root.suspend(&own.id, "").await.unwrap().state(), UserState::Suspended);
    assert_eq!(reason(root.get(&own.id).await), TokenInvalid);
    let left = second.0.me().await.unwrap().user.unwrap().id;
    assert_eq!(reason(second.delete(&left).await), LastAdmin, "a suspended administrator is none");
    second.activate(&own.id, "").await.unwrap();
    second.delete(&left).await.unwrap();
}

async fn two_administrators_cannot_suspend_each_other(world: World) {
    let admins = [world.registrar().await, Registrar(world.person_with_role("second", "administrator").await)];
    let mut ids = Vec::new();
    for admin in &admins {
        ids.push(admin.0.me().await.unwrap().user.unwrap().id);
    }
    let outcomes = join_all([admins[0].suspend(&ids[1], ""), admins[1].suspend(&ids[0], "")]).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
}

/// Whatever the order, no session is left that a later activation would bring back.
async fn a_sign_in_during_a_suspension_leaves_no_session_behind(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let id = settled(&root, &alice).await;
    for _ in 0..5 {
        let sign_ins = join_all((0..3).map(|_| alice.log_in()));
        let (_, suspended) = futures_util::future::join(sign_ins, root.suspend(&id, "")).await;
        suspended.unwrap();
        root.activate(&id, "").await.unwrap();
        assert_eq!(root.sessions_of(&id, (0, "")).await.unwrap().sessions, []);
    }
}

async fn who_is_not_there_is_not_found(world: World) {
    let root = world.registrar().await;
    for outcome in [
        root.suspend(NOBODY, "").await,
        root.activate(NOBODY, "").await,
        root.delete(NOBODY).await,
        root.undelete(NOBODY).await,
        root.require_password_change(NOBODY).await,
    ] {
        let refused = refusal(outcome);
        assert_eq!((refused.reason, refused.resource), (ResourceNotFound, Some(("User".into(), NOBODY.into()))));
    }
    assert_eq!(reason(root.purge(NOBODY).await), ResourceNotFound);
    assert_eq!(reason(root.revoke_sessions_of(NOBODY).await), ResourceNotFound);
}

async fn reasons_and_ids_are_checked(world: World) {
    let root = world.registrar().await;
    let long = "\u{e9}".repeat(257);
    assert_eq!(refusal(root.suspend("x", &long).await).fields, ["id", "reason"]);
    assert_eq!(refusal(root.activate("x", "two\nlines").await).fields, ["id", "reason"]);
    assert_eq!(refusal(root.delete_as_read("x", &"x".repeat(65)).await).fields, ["id", "etag"]);
    assert_eq!(refusal(root.undelete_as_read("x", &"x".repeat(65)).await).fields, ["id", "etag"]);
    assert_eq!(refusal(root.purge("x").await).fields, ["id"]);
    assert_eq!(refusal(root.require_password_change("x").await).fields, ["id"]);
    assert_eq!(refusal(root.revoke_sessions_of("x").await).fields, ["id"]);
    let alice = world.stranger("alice");
    let id = settled(&root, &alice).await;
    let longest = "\u{e9}".repeat(256);
    assert_eq!(root.suspend(&id, &longest).await.unwrap().state_reason, longest);
}
