//! Calls of people about their own account, and of anybody, that come twice: a client that lost the answer may ask again.

use ipse::proto::ErrorReason::{CredentialsInvalid, FieldInvalid, RateLimited, RequestIdReused};
use ipse::proto::login_response::Result::Tokens as Complete;
use ipse::proto::*;
use prost::Message;
use prost_reflect::{DynamicMessage, Value};
use time::Duration;

use crate::support::custodian::Custodian;
use crate::support::database::Backend;
use crate::support::descriptors::{methods, path};
use crate::support::dump::{contains, dump};
use crate::support::on_both_backends;
use crate::support::person::{Device, Person};
use crate::support::refusal::{reason, refusal};
use crate::support::transfer::Transfer;
use crate::support::wire::{Answer, Call};
use crate::support::world::World;

on_both_backends! {
    World::start =>
    every_call_that_changes_something_has_an_id
    repeats_of_public_calls_change_nothing_and_get_the_same_bytes
    repeats_about_the_own_account_change_nothing_and_get_the_same_bytes
    a_repeated_sign_in_takes_the_password_and_gives_the_same_session
    an_id_is_no_way_to_guess_a_password
    an_id_of_a_sign_up_is_no_way_to_guess_its_password
    an_id_that_stood_for_another_request_is_refused
    a_repeated_exchange_gives_the_same_token
    a_repeated_batch_is_answered_as_the_first
    what_is_kept_for_repeats_is_sealed
}

const ID: &str = "0b0e7b4e-8c1a-4d5e-9f10-111111111111";
const NEW: &str = "another way to get home";

async fn answer(world: &World, bearer: &str, service_and_method: &str, message: &impl Message) -> Answer {
    let bearer = format!("Bearer {bearer}");
    let headers: [(&str, &[u8]); 2] = [("x-request-id", b"the-same"), ("authorization", bearer.as_bytes())];
    let headers = if bearer == "Bearer " { &headers[..1] } else { &headers[..] };
    let path = format!("/ipse.v1.{service_and_method}");
    Call::new(&path, &message.encode_to_vec()).with(headers).send(world.replica().address).await.unwrap()
}

/// All that calls leave behind, with the trail of what happened.
async fn stored(world: &World) -> Vec<String> {
    let mut outsider = world.database.outsider().await;
    let digest = match world.database.backend {
        Backend::Sqlite => "hex(digest)",
        Backend::Postgres => "encode(digest, 'hex')",
    };
    let mut all = Vec::new();
    for query in [
        "SELECT email_written || state || CAST(revision AS text) AS value FROM users ORDER BY email_written",
        "SELECT hash AS value FROM passwords ORDER BY hash",
        "SELECT kind AS value FROM jobs ORDER BY id",
        "SELECT type || actor || subject AS value FROM audit_events ORDER BY sequence",
        "SELECT coalesce(end_reason, '-') AS value FROM sessions ORDER BY id",
        &format!("SELECT purpose || {digest} AS value FROM action_tokens ORDER BY 1"),
    ] {
        all.extend(outsider.values(query).await);
    }
    all
}

/// Makes the call twice, a minute apart.
async fn twice(world: &World, bearer: &str, rpc: &str, message: &impl Message) {
    let first = answer(world, bearer, rpc, message).await;
    first.result().unwrap_or_else(|refused| panic!("{rpc}: {refused:?}"));
    let after = stored(world).await;
    world.wait(Duration::minutes(1));
    assert_eq!(answer(world, bearer, rpc, message).await, first, "{rpc}");
    assert_eq!(stored(world).await, after, "{rpc}");
}

fn request_id(number: u8) -> String {
    format!("0b0e7b4e-8c1a-4d5e-9f10-{number:012}")
}

/// RPCs that only tell something, or that have another way to be continued.
const READING: [&str; 5] = ["Get", "List", "Lookup", "BatchGet", "Watch"];
const ASKING: [&str; 7] = [
    "CheckPermission",
    "IntrospectToken",
    "ExportMyData",
    "ExportUsers",
    // To ask again is to get another question.
    "BeginMfaPasskey",
    "BeginPasskeyLogin",
    "BeginStepUp",
];

async fn every_call_that_changes_something_has_an_id(world: World) {
    let root = world.administrator().await;
    for method in methods() {
        let name = method.name();
        let is_ours = method.parent_service().package_name() == "ipse.v1";
        if !is_ours || READING.iter().any(|verb| name.starts_with(verb)) || ASKING.contains(&name) {
            continue;
        }
        assert!(method.input().get_field_by_name("request_id").is_some(), "{name}");
        if name == "ImportUsers" {
            continue;
        }
        let mut request = DynamicMessage::new(method.input());
        request.set_field_by_name("request_id", Value::String("not a UUID".to_owned()));
        let path = path(&method);
        let rpc = path.strip_prefix("/ipse.v1.").unwrap();
        let refused = refusal(answer(&world, &root.tokens.access_token, rpc, &request).await.result());
        assert_eq!((refused.reason, refused.fields), (FieldInvalid, vec!["request_id".to_owned()]), "{name}");
    }
}

async fn repeats_of_public_calls_change_nothing_and_get_the_same_bytes(world: World) {
    let alice = world.stranger("alice");
    let (email, password) = (alice.email.clone(), alice.password.clone());
    let register = RegisterRequest { email: email.clone(), password, request_id: request_id(1), ..Default::default() };
    twice(&world, "", "AuthService/Register", &register).await;
    alice.mails().await;
    let resend = ResendVerificationRequest { email: email.clone(), request_id: request_id(2) };
    twice(&world, "", "AuthService/ResendVerification", &resend).await;
    let verify = VerifyEmailRequest { token: alice.mailed_token().await, request_id: request_id(3) };
    twice(&world, "", "AuthService/VerifyEmail", &verify).await;
    alice.mails().await;
    let ask = RequestPasswordResetRequest { email, request_id: request_id(4) };
    twice(&world, "", "AuthService/RequestPasswordReset", &ask).await;
    let token = alice.mailed_token().await;
    let reset = ResetPasswordRequest { token, new_password: NEW.to_owned(), request_id: request_id(5) };
    twice(&world, "", "AuthService/ResetPassword", &reset).await;

    let alice = alice.with_password(NEW);
    let (phone, tablet) = (alice.log_in().await.unwrap(), alice.log_in().await.unwrap());
    let logout = LogoutRequest { refresh_token: phone.tokens.refresh_token, request_id: request_id(6) };
    twice(&world, "", "AuthService/Logout", &logout).await;
    let logout = LogoutRequest { refresh_token: String::new(), request_id: request_id(7) };
    twice(&world, &tablet.tokens.access_token, "AuthService/Logout", &logout).await;
    let phone = alice.log_in().await.unwrap();
    assert!(answer(&world, &phone.tokens.access_token, "AuthService/Logout", &logout).await.result().is_err());
    phone.me().await.unwrap();
    let revoke = RevokeTokenRequest { token: phone.tokens.access_token, request_id: request_id(8) };
    twice(&world, "", "TokenService/RevokeToken", &revoke).await;
    let revoke = RevokeTokenRequest { token: phone.tokens.refresh_token, request_id: request_id(9) };
    twice(&world, "", "TokenService/RevokeToken", &revoke).await;
}

async fn repeats_about_the_own_account_change_nothing_and_get_the_same_bytes(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    let bearer = phone.tokens.access_token.as_str();
    let user = Some(User { display_name: "Alice".to_owned(), ..User::default() });
    let update = UpdateMeRequest { user, update_mask: None, request_id: request_id(1) };
    twice(&world, bearer, "AccountService/UpdateMe", &update).await;
    let change = ChangePasswordRequest {
        current_password: alice.password.clone(),
        new_password: NEW.to_owned(),
        request_id: request_id(2),
    };
    twice(&world, bearer, "AccountService/ChangePassword", &change).await;
    let alice = alice.with_password(NEW);
    let tablet = alice.log_in().await.unwrap();
    let revoke = RevokeMySessionRequest { session_id: tablet.tokens.session_id, request_id: request_id(3) };
    twice(&world, bearer, "AccountService/RevokeMySession", &revoke).await;
    for _ in 0..2 {
        alice.log_in().await.unwrap();
    }
    let revoke = RevokeMyOtherSessionsRequest { request_id: request_id(4) };
    twice(&world, bearer, "AccountService/RevokeMyOtherSessions", &revoke).await;

    alice.mails().await;
    let phone = alice.log_in().await.unwrap();
    let move_away = ChangeEmailRequest { new_email: "alina@example.com".to_owned(), request_id: request_id(5) };
    twice(&world, &phone.tokens.access_token, "AccountService/ChangeEmail", &move_away).await;
    let token = world.stranger("alina").mailed_token().await;
    let confirm = ConfirmEmailChangeRequest { token, request_id: request_id(6) };
    twice(&world, "", "AccountService/ConfirmEmailChange", &confirm).await;
    let delete = DeleteMeRequest { password: NEW.to_owned(), request_id: request_id(7) };
    answer(&world, &phone.tokens.access_token, "AccountService/DeleteMe", &delete).await.result().unwrap();
}

async fn sign_in(person: &Person<'_>, label: &str) -> Answer {
    let request = LoginRequest {
        identifier: person.email.clone(),
        password: person.password.clone(),
        client_label: label.to_owned(),
        request_id: ID.to_owned(),
        ..LoginRequest::default()
    };
    answer(person.world, "", "AuthService/Login", &request).await
}

fn device<'w>(person: &Person<'w>, answer: &Answer) -> Device<'w> {
    let response = LoginResponse::decode(&answer.body[5..]).unwrap();
    let Some(Complete(tokens)) = response.result else { panic!("{response:?}") };
    person.with_tokens(tokens)
}

async fn a_repeated_sign_in_takes_the_password_and_gives_the_same_session(world: World) {
    let alice = world.person("alice").await;
    let first = sign_in(&alice, "phone").await;
    let after = stored(&world).await;
    assert_eq!(sign_in(&alice, "phone").await, first);
    assert_eq!(stored(&world).await, after);
    assert_eq!(device(&alice, &first).sessions().await.unwrap().len(), 1);
    assert_eq!(reason(sign_in(&alice, "tablet").await.result()), RequestIdReused);
    assert_eq!(reason(sign_in(&alice.with_password(NEW), "phone").await.result()), CredentialsInvalid);
    device(&alice, &first).change_password(&alice.password, NEW).await.unwrap();
    assert_eq!(reason(sign_in(&alice, "phone").await.result()), CredentialsInvalid);
}

/// Whoever stole a session may have seen the id of a change of the password, but not the passwords.
async fn an_id_is_no_way_to_guess_a_password(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    let change = |current: &str, new: &str| ChangePasswordRequest {
        current_password: current.to_owned(),
        new_password: new.to_owned(),
        request_id: ID.to_owned(),
    };
    let rpc = "AccountService/ChangePassword";
    let bearer = phone.tokens.access_token.as_str();
    answer(&world, bearer, rpc, &change(&alice.password, NEW)).await.result().unwrap();
    for number in 0..5 {
        let guess = change(&format!("what else could it have been {number}"), NEW);
        assert_eq!(reason(answer(&world, bearer, rpc, &guess).await.result()), RequestIdReused);
    }
    // Neither another guess nor the repeat itself is looked at before the waiting time is over.
    for request in [change(&alice.password, NEW), change("what could it be", NEW)] {
        assert_eq!(reason(answer(&world, bearer, rpc, &request).await.result()), RateLimited);
    }
    assert_eq!(reason(alice.with_password(NEW).log_in().await), RateLimited, "they count like failed sign-ins");
    world.wait(Duration::minutes(1));
    answer(&world, bearer, rpc, &change(&alice.password, NEW)).await.result().unwrap();
}

/// Nor is that of a sign-up, for whoever saw its id and knows the address.
async fn an_id_of_a_sign_up_is_no_way_to_guess_its_password(world: World) {
    let alice = world.stranger("alice");
    let register = |password: &str| RegisterRequest {
        email: alice.email.clone(),
        password: password.to_owned(),
        request_id: ID.to_owned(),
        ..RegisterRequest::default()
    };
    let rpc = "AuthService/Register";
    answer(&world, "", rpc, &register(&alice.password)).await.result().unwrap();
    for number in 0..5 {
        let guess = register(&format!("what else could it have been {number}"));
        assert_eq!(reason(answer(&world, "", rpc, &guess).await.result()), RequestIdReused);
    }
    for password in [&alice.password, "what could it be"] {
        assert_eq!(reason(answer(&world, "", rpc, &register(password)).await.result()), RateLimited);
    }
}

async fn an_id_that_stood_for_another_request_is_refused(world: World) {
    let (alice, bob) = (world.stranger("alice"), world.stranger("bob"));
    let register = |person: &Person<'_>| RegisterRequest {
        email: person.email.clone(),
        password: person.password.clone(),
        request_id: ID.to_owned(),
        ..RegisterRequest::default()
    };
    answer(&world, "", "AuthService/Register", &register(&alice)).await.result().unwrap();
    let refused = refusal(answer(&world, "", "AuthService/Register", &register(&bob)).await.result());
    assert_eq!((refused.reason, refused.fields), (RequestIdReused, vec!["request_id".to_owned()]));
    let ask = ResendVerificationRequest { email: alice.email.clone(), request_id: ID.to_owned() };
    assert_eq!(reason(answer(&world, "", "AuthService/ResendVerification", &ask).await.result()), RequestIdReused);
    assert_eq!(world.count("users").await, 1);
    world.wait(Duration::hours(24) + Duration::MICROSECOND);
    answer(&world, "", "AuthService/Register", &register(&bob)).await.result().unwrap();
    // What a refused call had is free.
    let other = "0b0e7b4e-8c1a-4d5e-9f10-222222222222".to_owned();
    let verify = |token: String| VerifyEmailRequest { token, request_id: other.clone() };
    answer(&world, "", "AuthService/VerifyEmail", &verify("invented".to_owned())).await.result().unwrap_err();
    answer(&world, "", "AuthService/VerifyEmail", &verify(bob.mailed_token().await)).await.result().unwrap();
}

async fn a_repeated_exchange_gives_the_same_token(world: World) {
    let program = Custodian::root(&world).await.program(&world, "service", &[]).await;
    let exchange = |id: &str| ExchangeApiKeyRequest {
        api_key: program.secret.clone(),
        request_id: id.to_owned(),
        ..ExchangeApiKeyRequest::default()
    };
    let rpc = "TokenService/ExchangeApiKey";
    let first = answer(&world, "", rpc, &exchange(ID)).await;
    first.result().unwrap();
    world.wait(Duration::seconds(5));
    assert_eq!(answer(&world, "", rpc, &exchange(ID)).await, first);
    assert_ne!(answer(&world, "", rpc, &exchange("")).await, first);
}

async fn a_repeated_batch_is_answered_as_the_first(world: World) {
    let root = Transfer(world.administrator().await);
    let row = |name: &str| UserRecord {
        user: Some(User { email: format!("{name}@example.com"), display_name: "Somebody".into(), ..User::default() }),
        ..UserRecord::default()
    };
    let batch = |rows: Vec<UserRecord>| ImportUsersRequest { rows, dry_run: false, request_id: ID.to_owned() };
    let first = root.import_as(batch(vec![row("one"), row("two"), row("root")])).await.unwrap();
    assert_eq!((first.accepted, first.unchanged, first.refusals.len()), (2, 0, 1));
    let events = world.count("audit_events").await;
    assert_eq!(root.import_as(batch(vec![row("one"), row("two"), row("root")])).await.unwrap(), first);
    assert_eq!(world.count("audit_events").await, events);
    assert_eq!(reason(root.import_as(batch(vec![row("three")])).await), RequestIdReused);
    assert_eq!(world.count("users").await, 3);
}

async fn what_is_kept_for_repeats_is_sealed(world: World) {
    let alice = world.person("alice").await;
    let tokens = device(&alice, &sign_in(&alice, "").await).tokens;
    let dump = dump(&world).await;
    for secret in [&tokens.access_token, &tokens.refresh_token, &alice.password] {
        assert!(!contains(&dump, secret.as_bytes()), "{secret}");
    }
}
