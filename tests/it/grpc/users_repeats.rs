//! Calls that come twice: a client that lost the answer may ask again.

use futures_util::future::join_all;
use ipse::proto::ErrorReason::{PermissionMissing, RequestIdReused, ResourceNotFound, UserStateInvalid};
use ipse::proto::*;
use prost::Message;
use time::Duration;

use crate::support::database::Backend;
use crate::support::dump::{contains, dump};
use crate::support::on_both_backends;
use crate::support::person::Device;
use crate::support::refusal::{reason, refusal};
use crate::support::registrar::{Registrar, newcomer};
use crate::support::wire::{Answer, Call};
use crate::support::world::World;

on_both_backends! {
    World::start =>
    a_repeat_of_every_mutation_changes_nothing_and_gets_the_same_bytes
    parallel_repeats_have_one_effect
    an_id_that_stood_for_another_request_is_refused
    ids_of_other_callers_are_other_ids
    a_refused_call_may_be_repeated_as_a_new_one
    an_answer_outlives_the_process_that_gave_it
    an_answer_is_kept_for_a_day
    a_repeat_takes_the_permission_still
    an_answer_holds_no_secret_in_the_open
}

const ID: &str = "0b0e7b4e-8c1a-4d5e-9f10-111111111111";
const OTHER_ID: &str = "0b0e7b4e-8c1a-4d5e-9f10-222222222222";

/// The answer as bytes; the transport's own id is always the same.
async fn answer(device: &Device<'_>, world: &World, method: &str, message: &impl Message) -> Answer {
    let bearer = format!("Bearer {}", device.tokens.access_token);
    let headers: [(&str, &[u8]); 2] = [("authorization", bearer.as_bytes()), ("x-request-id", b"the-same")];
    let path = format!("/ipse.v1.UserService/{method}");
    Call::new(&path, &message.encode_to_vec()).with(&headers).send(world.replica().address).await.unwrap()
}

/// All that the service stores of people, with the trail of what happened.
async fn stored(world: &World) -> Vec<String> {
    let mut outsider = world.database.outsider().await;
    let mut all = Vec::new();
    let jobs = match world.database.backend {
        Backend::Sqlite => "SELECT kind || hex(payload) AS value FROM jobs ORDER BY id",
        Backend::Postgres => "SELECT kind || encode(payload, 'hex') AS value FROM jobs ORDER BY id",
    };
    for query in [
        "SELECT email_written || state || CAST(revision AS text) AS value FROM users ORDER BY email_written",
        "SELECT hash AS value FROM passwords ORDER BY hash",
        jobs,
        "SELECT type || actor || subject AS value FROM audit_events ORDER BY sequence",
        "SELECT CAST(end_time AS text) AS value FROM sessions WHERE end_time IS NOT NULL ORDER BY id",
        "SELECT purpose AS value FROM action_tokens ORDER BY digest",
    ] {
        all.extend(outsider.values(query).await);
    }
    all
}

async fn a_repeat_of_every_mutation_changes_nothing_and_gets_the_same_bytes(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let request_id = |number: u8| format!("0b0e7b4e-8c1a-4d5e-9f10-{number:012}");
    let id = root.create(newcomer(&alice), &alice.password).await.unwrap().id;
    let bob = newcomer(&world.stranger("bob"));
    macro_rules! twice {
        ($($number:literal $method:literal $request:expr;)*) => {$(
            let request = $request(request_id($number));
            let first = answer(&root.0, &world, $method, &request).await;
            first.result().unwrap();
            let after = stored(&world).await;
            world.wait(Duration::minutes(1));
            let second = answer(&root.0, &world, $method, &request).await;
            assert_eq!(second, first, "{}", $method);
            assert_eq!(stored(&world).await, after, "{}", $method);
        )*};
    }
    let vouched = User { id: id.clone(), email_verified: true, ..User::default() };
    twice! {
        1 "CreateUser" |request_id| CreateUserRequest {
            user: Some(bob), password: "the long way home of bob".to_owned(), request_id
        };
        2 "UpdateUser" |request_id| UpdateUserRequest { user: Some(vouched), update_mask: None, request_id };
        3 "SuspendUser" |request_id| SuspendUserRequest { id: id.clone(), reason: "fraud".to_owned(), request_id };
        4 "ActivateUser" |request_id| ActivateUserRequest { id: id.clone(), reason: String::new(), request_id };
    }
    alice.log_in().await.unwrap();
    twice! {
        5 "RevokeUserSessions" |request_id| RevokeUserSessionsRequest { id: id.clone(), request_id };
        6 "RequirePasswordChange" |request_id| RequirePasswordChangeRequest { id: id.clone(), request_id };
        7 "DeleteUser" |request_id| DeleteUserRequest { id: id.clone(), etag: String::new(), request_id };
        8 "UndeleteUser" |request_id| UndeleteUserRequest { id: id.clone(), etag: String::new(), request_id };
        9 "DeleteUser" |request_id| DeleteUserRequest { id: id.clone(), etag: String::new(), request_id };
        10 "PurgeUser" |request_id| PurgeUserRequest { id: id.clone(), request_id };
    }
}

async fn parallel_repeats_have_one_effect(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let request =
        CreateUserRequest { user: Some(newcomer(&alice)), password: String::new(), request_id: ID.to_owned() };
    let outcomes = join_all((0..8).map(|_| root.create_as(request.clone()))).await;
    let made: Vec<User> = outcomes.into_iter().map(Result::unwrap).collect();
    assert!(made.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(alice.mail_kinds().await, ["invitation"]);
}

async fn an_id_that_stood_for_another_request_is_refused(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let id = root.create(newcomer(&alice), "").await.unwrap().id;
    let request = SuspendUserRequest { id: id.clone(), reason: "fraud".to_owned(), request_id: ID.to_owned() };
    let suspended = root.suspend_as(request.clone()).await.unwrap();
    let other = SuspendUserRequest { reason: "another".to_owned(), ..request.clone() };
    let refused = refusal(root.suspend_as(other).await);
    assert_eq!((refused.reason, refused.fields), (RequestIdReused, vec!["request_id".to_owned()]));
    // The same bytes to another method are another request.
    let activation = ActivateUserRequest { id: id.clone(), reason: "fraud".to_owned(), request_id: ID.to_owned() };
    assert_eq!(activation.encode_to_vec(), request.encode_to_vec());
    assert_eq!(reason(answer(&root.0, &world, "ActivateUser", &activation).await.result()), RequestIdReused);
    assert_eq!(root.get(&id).await.unwrap(), suspended);
}

async fn ids_of_other_callers_are_other_ids(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let helper = Registrar(world.person_with_role("helper", "support").await);
    let id = root.create(newcomer(&alice), "").await.unwrap().id;
    let request = SuspendUserRequest { id, reason: String::new(), request_id: ID.to_owned() };
    root.suspend_as(request.clone()).await.unwrap();
    assert_eq!(reason(helper.suspend_as(request).await), UserStateInvalid, "a call of its own");
}

async fn a_refused_call_may_be_repeated_as_a_new_one(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let id = root.create(newcomer(&alice), "").await.unwrap().id;
    let request = SuspendUserRequest { id: id.clone(), reason: String::new(), request_id: ID.to_owned() };
    root.suspend(&id, "").await.unwrap();
    for _ in 0..2 {
        assert_eq!(reason(root.suspend_as(request.clone()).await), UserStateInvalid);
    }
    let absent = SuspendUserRequest { id: OTHER_ID.to_owned(), ..request.clone() };
    assert_eq!(reason(root.suspend_as(absent).await), ResourceNotFound, "the id is not taken by a refusal");
    root.activate(&id, "").await.unwrap();
    root.suspend_as(request).await.unwrap();
}

async fn an_answer_outlives_the_process_that_gave_it(world: World) {
    let request = {
        let (root, alice) = (world.registrar().await, world.stranger("alice"));
        let request =
            CreateUserRequest { user: Some(newcomer(&alice)), password: String::new(), request_id: ID.to_owned() };
        // The answer is lost.
        answer(&root.0, &world, "CreateUser", &request).await.result().unwrap();
        request
    };
    let world = world.restart().await;
    let root = Registrar(world.stranger("root").log_in().await.unwrap());
    let made = root.create_as(request).await.unwrap();
    assert_eq!(root.get(&made.id).await.unwrap(), made);
    assert_eq!(world.stranger("alice").mail_kinds().await, ["invitation"]);
}

async fn an_answer_is_kept_for_a_day(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let id = root.create(newcomer(&alice), "").await.unwrap().id;
    let request = SuspendUserRequest { id: id.clone(), reason: String::new(), request_id: ID.to_owned() };
    let suspended = root.suspend_as(request.clone()).await.unwrap();
    root.activate(&id, "").await.unwrap();
    world.wait(Duration::hours(24));
    let root = Registrar(world.stranger("root").log_in().await.unwrap());
    world.purge().await;
    assert_eq!(root.suspend_as(request.clone()).await.unwrap(), suspended);
    world.wait(Duration::MICROSECOND);
    let again = root.suspend_as(request).await.unwrap();
    assert_ne!(again.etag, suspended.etag);
    world.purge().await;
    assert_eq!(world.count("answered_requests").await, 1);
    world.wait(Duration::hours(24) + Duration::MICROSECOND);
    world.purge().await;
    assert_eq!(world.count("answered_requests").await, 0);
}

async fn a_repeat_takes_the_permission_still(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let helper = Registrar(world.person_with_role("helper", "support").await);
    let id = root.create(newcomer(&alice), "").await.unwrap().id;
    let request = SuspendUserRequest { id, reason: String::new(), request_id: ID.to_owned() };
    helper.suspend_as(request.clone()).await.unwrap();
    world
        .database
        .outsider()
        .await
        .execute("DELETE FROM role_grants WHERE role_id <> (SELECT id FROM roles WHERE name = 'administrator')")
        .await;
    assert_eq!(reason(helper.suspend_as(request).await), PermissionMissing);
}

/// The account is erased, so that nothing but the answer could still tell of it.
async fn an_answer_holds_no_secret_in_the_open(world: World) {
    let (root, alice) = (world.registrar().await, world.stranger("alice"));
    let request =
        CreateUserRequest { user: Some(newcomer(&alice)), password: alice.password.clone(), request_id: ID.to_owned() };
    let made = root.create_as(request.clone()).await.unwrap();
    assert!(contains(&dump(&world).await, alice.email.as_bytes()));
    root.delete(&made.id).await.unwrap();
    root.purge(&made.id).await.unwrap();
    world.purge().await;
    assert_eq!(world.count("answered_requests").await, 1);
    let dump = dump(&world).await;
    for secret in [&alice.email, &alice.password] {
        assert!(!contains(&dump, secret.as_bytes()), "{secret}");
    }
    assert_eq!(root.create_as(request).await.unwrap(), made, "the answer is there");
}
