//! Each reason an error can have, provoked once. The form of errors is checked wherever a test reads one.

use futures_util::future::join_all;
use ipse::application::ports::Clock as _;
use ipse::domain::Timestamp;
use ipse::domain::access::change::AccessChange;
use ipse::domain::access::permission::Rights;
use ipse::domain::access::role::ADMINISTRATOR;
use ipse::domain::account::user::UserState::Pending;
use ipse::domain::id::{RoleId, TokenId};
use ipse::domain::name::Name;
use ipse::proto::role_service_client::RoleServiceClient;
use ipse::proto::{CreateRoleRequest, DeleteRoleRequest, ErrorReason, LoginRequest, Role, User};
use prost::Message as _;
use time::Duration;
use tonic::Status;
use uuid::Uuid;

use crate::support::custodian::Custodian;
use crate::support::database::Backend;
use crate::support::descriptors;
use crate::support::gateway::CHECK;
use crate::support::guard::Guard;
use crate::support::on_both_backends;
use crate::support::operator::Operator;
use crate::support::person::{Device, Person};
use crate::support::refusal::{Refusal, reason, refusal};
use crate::support::wire::Call;
use crate::support::world::World;

/// Registers a test for each reason: the call is refused for it, whatever else stands in the world.
macro_rules! provoked_by {
    ($($reason:ident: $provoke:ident)*) => {
        const PROVOKED: &[&[ErrorReason]] = &[&[$(ErrorReason::$reason,)*], ELSEWHERE];

        $(mod $provoke {
            use super::*;

            on_both_backends! {
                World::start =>
                is_refused
            }

            async fn is_refused(world: World) {
                assert_eq!(reason(super::$provoke(world).await), ErrorReason::$reason);
            }
        })*
    };
}

/// Provoked in `shutdown.rs`, in `unknown_outcome.rs`, and in `factors/`.
const ELSEWHERE: &[ErrorReason] = &[
    ErrorReason::ShuttingDown,
    ErrorReason::OutcomeUnknown,
    ErrorReason::MfaCodeInvalid,
    ErrorReason::MfaChallengeInvalid,
    ErrorReason::MfaRequired,
    ErrorReason::LastFactor,
    ErrorReason::CredentialExists,
];

provoked_by! {
    CredentialsInvalid: an_unknown_name
    TokenMissing: no_access_token
    TokenExpired: an_old_access_token
    TokenInvalid: an_access_token_of_an_ended_session
    RefreshTokenInvalid: an_invented_refresh_token
    EmailNotVerified: an_unproven_address
    AccountDisabled: a_suspended_account
    PasswordChangeRequired: a_demanded_change
    RateLimited: a_sixth_guess
    ServerOverloaded: more_sign_ins_than_may_wait
    RequestTooLarge: a_request_over_64_kib
    FieldInvalid: an_address_that_is_none
    PasswordTooShort: a_short_password
    PasswordTooLong: a_long_password
    PasswordBlocklisted: a_common_password
    AudienceUnknown: an_audience_that_is_not_served
    PageTokenInvalid: an_invented_page_token
    RequestMalformed: bytes_that_are_no_message
    ActionTokenInvalid: an_invented_mailed_token
    UsernameTaken: a_username_of_somebody_else
    ResourceNotFound: a_role_that_is_not_there
    FeatureDisabled: a_compressed_message
    MethodUnknown: an_rpc_that_does_not_exist
    GatewayUnknown: a_question_from_no_gateway
    StorageUnavailable: a_store_without_a_free_connection
    StorageBusy: a_store_that_somebody_locks
    ServerTimeout: a_deadline_that_passes
    InternalError: a_stored_hash_without_a_meaning
    StepUpRequired: a_change_of_address_long_after_the_sign_in
    PermissionMissing: a_change_of_what_is_the_operators
    EmailTaken: a_change_to_an_address_of_somebody_else
    EtagMismatch: a_change_of_an_old_reading
    LastAdmin: a_deletion_of_the_last_administrator
    NameTaken: a_role_named_like_another
    RoleInUse: a_removal_of_a_role_that_somebody_has
    RoleBuiltIn: a_removal_of_a_built_in_role
    QuotaExceeded: one_role_too_many
    RequestIdReused: an_id_of_another_request
    UserStateInvalid: an_activation_of_an_active_account
    WatchTooSlow: a_watch_of_somebody_who_reads_too_slowly
    PersonRequired: a_service_that_asks_for_its_own_account
}

#[test]
fn every_reason_is_provoked() {
    for reason in descriptors::reasons() {
        assert!(PROVOKED.concat().contains(&reason), "{reason:?}");
    }
}

async fn a_change_of_address_long_after_the_sign_in(world: World) -> Result<(), Status> {
    let phone = world.person("alice").await.log_in().await?;
    world.wait(Duration::minutes(6));
    phone.change_email("moved@example.com").await
}

async fn a_change_of_what_is_the_operators(world: World) -> Result<(), Status> {
    let phone = world.person("alice").await.log_in().await?;
    phone.update(User::default(), &["state"]).await.map(|_| ())
}

async fn a_change_to_an_address_of_somebody_else(world: World) -> Result<(), Status> {
    let phone = world.person("alice").await.log_in().await?;
    let bob = world.person("bob").await;
    phone.change_email(&bob.email).await?;
    bob.confirm_email_change(&bob.mailed_token().await).await
}

async fn a_change_of_an_old_reading(world: World) -> Result<(), Status> {
    let phone = world.person("alice").await.log_in().await?;
    let old = User { etag: "\"0\"".to_owned(), ..User::default() };
    phone.update(old, &["display_name"]).await.map(|_| ())
}

async fn a_deletion_of_the_last_administrator(world: World) -> Result<(), Status> {
    let root = world.administrator().await;
    root.delete(&world.stranger("root").password).await
}

async fn create_role(root: &Device<'_>, name: &str, request_id: &str) -> Result<String, Status> {
    let role = Role { name: name.to_owned(), ..Role::default() };
    let request = CreateRoleRequest { role: Some(role), request_id: request_id.to_owned() };
    let response = RoleServiceClient::new(root.channel()).create_role(root.request(request)).await?;
    Ok(response.into_inner().role.unwrap().id)
}

async fn delete_role(root: &Device<'_>, id: &str) -> Result<(), Status> {
    let request = DeleteRoleRequest { id: id.to_owned(), ..DeleteRoleRequest::default() };
    RoleServiceClient::new(root.channel()).delete_role(root.request(request)).await.map(|_| ())
}

async fn a_role_named_like_another(world: World) -> Result<(), Status> {
    create_role(&world.administrator().await, "administrator", "").await.map(|_| ())
}

async fn a_removal_of_a_role_that_somebody_has(world: World) -> Result<(), Status> {
    let root = world.administrator().await;
    let id = create_role(&root, "desk", "").await?;
    world.give_role("root@example.com", "desk").await;
    delete_role(&root, &id).await
}

async fn a_removal_of_a_built_in_role(world: World) -> Result<(), Status> {
    delete_role(&world.administrator().await, &ADMINISTRATOR.to_string()).await
}

async fn one_role_too_many(world: World) -> Result<(), Status> {
    let root = world.administrator().await;
    let tx = world.store().write().await.unwrap();
    for number in 0..996_u128 {
        let name = Name::parse(&format!("role{number}")).unwrap();
        let role = ipse::domain::access::role::Role::new(
            RoleId::from_uuid(Uuid::from_u128(number)),
            name,
            Rights::default(),
            Timestamp::UNIX_EPOCH,
        );
        assert!(tx.roles().insert_role(&role).await.unwrap());
    }
    tx.commit().await.unwrap();
    let refused = create_role(&root, "last-straw", "").await;
    assert_eq!(refusal(refused.clone()).quota.as_deref(), Some("roles, at most 1000"));
    refused.map(|_| ())
}

async fn an_activation_of_an_active_account(world: World) -> Result<(), Status> {
    let (root, alice) = (world.registrar().await, world.person("alice").await);
    root.activate(&root.look_up(&alice).await.id, "").await.map(|_| ())
}

async fn a_watch_of_somebody_who_reads_too_slowly(world: World) -> Result<(), Status> {
    let mut watch = Guard::new(&world).await.watch("").await?;
    watch.snapshot().await?;
    let tx = world.store().write().await.unwrap();
    for page in 0..21_u128 {
        let token = |number| AccessChange::Token(TokenId::from_uuid(Uuid::from_u128(page * 500 + number)));
        let tokens: Vec<_> = (0..500).map(token).collect();
        tx.access_changes().insert_access_changes(&tokens, world.clock.now()).await.unwrap();
    }
    tx.commit().await.unwrap();
    let refused = watch.end().await;
    assert!(Refusal::of(refused.as_ref().unwrap_err()).retry_after.is_some());
    refused
}

async fn a_service_that_asks_for_its_own_account(world: World) -> Result<(), Status> {
    let program = Custodian::root(&world).await.program(&world, "service", &[]).await;
    program.caller().await.me().await.map(|_| ())
}

async fn an_id_of_another_request(world: World) -> Result<(), Status> {
    let root = world.administrator().await;
    let id = "0b0e7b4e-8c1a-4d5e-9f10-111111111111";
    create_role(&root, "desk", id).await?;
    create_role(&root, "other", id).await.map(|_| ())
}

async fn an_unknown_name(world: World) -> Result<(), Status> {
    world.stranger("nobody").log_in().await.map(|_| ())
}

async fn no_access_token(world: World) -> Result<(), Status> {
    world.stranger("nobody").log_out("").await
}

async fn an_old_access_token(world: World) -> Result<(), Status> {
    let phone = world.person("alice").await.log_in().await?;
    world.wait(Duration::hours(1));
    phone.me().await.map(|_| ())
}

async fn an_access_token_of_an_ended_session(world: World) -> Result<(), Status> {
    let phone = world.person("alice").await.log_in().await?;
    phone.log_out().await?;
    phone.me().await.map(|_| ())
}

async fn an_invented_refresh_token(world: World) -> Result<(), Status> {
    world.stranger("nobody").refresh("ipse_rt_invented").await.map(|_| ())
}

async fn a_question_from_no_gateway(world: World) -> Result<(), Status> {
    let world = world.restart_with(&["GATEWAYS=192.0.2.1, 127.0.0.2"]).await;
    call(&world, CHECK, b"").await
}

async fn an_unproven_address(world: World) -> Result<(), Status> {
    let alice = world.person("alice").await;
    world.change_user(&alice.email, |user| (user.email_verified, user.state) = (false, Pending)).await;
    alice.log_in().await.map(|_| ())
}

async fn a_suspended_account(world: World) -> Result<(), Status> {
    let alice = world.person("alice").await;
    world.suspend(&alice.email).await;
    alice.log_in().await.map(|_| ())
}

async fn a_demanded_change(world: World) -> Result<(), Status> {
    let alice = world.person("alice").await;
    world.change_user(&alice.email, |user| user.password_change_required = true).await;
    alice.log_in().await.map(|_| ())
}

async fn a_sixth_guess(world: World) -> Result<(), Status> {
    let nobody = world.stranger("nobody");
    for _ in 0..5 {
        nobody.log_in().await.unwrap_err();
    }
    nobody.log_in().await.map(|_| ())
}

async fn more_sign_ins_than_may_wait(world: World) -> Result<(), Status> {
    let world = world.restart_with(&["HASHING_THREADS=1", "HASHING_QUEUE=1", "HASHING_ITERATIONS=16"]).await;
    let people: Vec<_> = (0..16).map(|number| world.stranger(&format!("person{number}"))).collect();
    let outcomes = join_all(people.iter().map(Person::log_in)).await;
    let (overloaded, hashed): (Vec<_>, Vec<_>) = outcomes
        .into_iter()
        .map(Result::unwrap_err)
        .partition(|status| Refusal::of(status).reason == ErrorReason::ServerOverloaded);
    assert!(!hashed.is_empty(), "some are served");
    let overloaded = overloaded.into_iter().next().expect("some are refused");
    assert!(Refusal::of(&overloaded).retry_after.is_some());
    Err(overloaded)
}

async fn a_request_over_64_kib(world: World) -> Result<(), Status> {
    let too_large = refusal(world.stranger("alice").with_password(&"a".repeat(64 * 1024)).register().await);
    assert_eq!(too_large.metadata["max_bytes"], "65536");
    world.stranger("alice").with_password(&"a".repeat(64 * 1024)).register().await
}

async fn an_address_that_is_none(world: World) -> Result<(), Status> {
    let mut nobody = world.stranger("nobody");
    nobody.email = "nobody".to_owned();
    nobody.register().await
}

async fn a_short_password(world: World) -> Result<(), Status> {
    world.stranger("alice").with_password("short").register().await
}

async fn a_long_password(world: World) -> Result<(), Status> {
    world.stranger("alice").with_password(&"long".repeat(65)).register().await
}

async fn a_common_password(world: World) -> Result<(), Status> {
    world.stranger("alice").with_password("passwordpassword").register().await
}

async fn an_audience_that_is_not_served(world: World) -> Result<(), Status> {
    let identifier = "alice".to_owned();
    let request = LoginRequest { identifier, audience: "invented".to_owned(), ..LoginRequest::default() };
    world.stranger("alice").log_in_with(request).await.map(|_| ())
}

async fn an_invented_page_token(world: World) -> Result<(), Status> {
    world.person("alice").await.log_in().await?.page(0, "invented").await.map(|_| ())
}

async fn bytes_that_are_no_message(world: World) -> Result<(), Status> {
    call(&world, "/ipse.v1.AuthService/Login", b"\xff").await
}

async fn an_invented_mailed_token(world: World) -> Result<(), Status> {
    world.stranger("alice").verify("invented").await
}

async fn a_username_of_somebody_else(world: World) -> Result<(), Status> {
    let alice = world.stranger("alice").known_as("wonder");
    alice.register().await?;
    alice.verify(&alice.mailed_token().await).await?;
    world.stranger("bob").known_as("wonder").register().await
}

async fn a_role_that_is_not_there(world: World) -> Result<(), Status> {
    let root = world.administrator().await;
    Operator(root).get("01890a5d-ac96-774b-bcce-b302099a8057").await.map(|_| ())
}

async fn a_compressed_message(world: World) -> Result<(), Status> {
    let call = Call::new("/ipse.v1.AuthService/VerifyEmail", b"").with(&[("grpc-encoding", b"gzip")]);
    call.send(world.replica().address).await.unwrap().result()
}

async fn an_rpc_that_does_not_exist(world: World) -> Result<(), Status> {
    call(&world, "/ipse.v1.AuthService/Nothing", b"").await
}

async fn a_store_without_a_free_connection(world: World) -> Result<(), Status> {
    // SQLite has one writer.
    let most = match world.database.backend {
        Backend::Sqlite => 1,
        Backend::Postgres => world.settings.database.max_connections,
    };
    let mut taken = Vec::new();
    for _ in 0..most {
        taken.push(world.store().write().await.unwrap());
    }
    let outcome = world.stranger("alice").request_reset().await;
    assert!(Refusal::of(outcome.as_ref().unwrap_err()).retry_after.is_some());
    drop(taken);
    world.stranger("alice").request_reset().await.unwrap();
    outcome
}

async fn a_store_that_somebody_locks(world: World) -> Result<(), Status> {
    let lock = world.lock_writes().await;
    let outcome = world.stranger("alice").request_reset().await;
    assert!(Refusal::of(outcome.as_ref().unwrap_err()).retry_after.is_some());
    drop(lock);
    outcome
}

async fn a_deadline_that_passes(world: World) -> Result<(), Status> {
    let _lock = world.lock_writes().await;
    let request =
        ipse::proto::RequestPasswordResetRequest { email: "alice@example.com".to_owned(), request_id: String::new() };
    let call = Call::new("/ipse.v1.AuthService/RequestPasswordReset", &request.encode_to_vec());
    call.with(&[("grpc-timeout", b"50m")]).send(world.replica().address).await.unwrap().result()
}

async fn a_stored_hash_without_a_meaning(world: World) -> Result<(), Status> {
    let alice = world.person("alice").await;
    world.database.outsider().await.execute("UPDATE passwords SET hash = 'canary'").await;
    let status = alice.log_in().await.unwrap_err();
    let text = format!("{} {}", status.message(), String::from_utf8_lossy(status.details()));
    for internal in ["canary", "passwords", "argon", "src/", "::", "SELECT"] {
        assert!(!text.contains(internal), "{text}");
    }
    Err(status)
}

async fn call(world: &World, path: &str, message: &[u8]) -> Result<(), Status> {
    Call::new(path, message).send(world.replica().address).await.unwrap().result()
}
