//! Who may call: what is taken for an access token, and what is not.

use ipse::proto::ErrorReason::{TokenExpired, TokenInvalid, TokenMissing};
use serde_json::json;
use time::Duration;
use tonic::{Code, Status};

use crate::support::descriptors;
use crate::support::forge::Key;
use crate::support::on_both_backends;
use crate::support::refusal::reason;
use crate::support::token;
use crate::support::wire::{Answer, Call};
use crate::support::world::World;

on_both_backends! {
    World::start =>
    every_rpc_is_public_or_refuses_who_brings_no_token
    the_scheme_is_written_in_any_case
    white_space_around_the_token_is_none_of_it
    anything_but_one_bearer_value_is_no_token
    a_token_is_taken_from_nowhere_else
    a_token_ends_with_its_time
}

const GET_ME: &str = "/ipse.v1.AccountService/GetMe";

/// The answer to `GetMe` with these headers.
async fn answer(world: &World, headers: &[(&str, &[u8])]) -> Answer {
    let mut headers = headers.to_vec();
    headers.push(("x-request-id", b"the-same"));
    Call::new(GET_ME, b"").with(&headers).send(world.replica().address).await.unwrap()
}

async fn get_me(world: &World, authorization: &str) -> Result<(), Status> {
    answer(world, &[("authorization", authorization.as_bytes())]).await.result()
}

async fn every_rpc_is_public_or_refuses_who_brings_no_token(world: World) {
    let mut public = Vec::new();
    for method in descriptors::methods() {
        let path = descriptors::path(&method);
        // Not a message of any RPC: who may not call does not learn of it.
        let call = Call::new(&path, b"\xff\xff\xff").send(world.replica().address).await.unwrap();
        match call.status().code() {
            Code::Unauthenticated => assert_eq!(reason(call.result()), TokenMissing, "{path}"),
            _ => public.push(method.name().to_owned()),
        }
    }
    assert_eq!(
        public,
        [
            "ConfirmEmailChange",
            "Register",
            "VerifyEmail",
            "ResendVerification",
            "Login",
            "CompleteMfa",
            "BeginMfaPasskey",
            "BeginPasskeyLogin",
            "CompletePasskeyLogin",
            "StopFactorReset",
            "Refresh",
            "Logout",
            "RequestPasswordReset",
            "ResetPassword",
            "ListSigningKeys",
            "RevokeToken",
            "ExchangeApiKey",
            "Check",
        ]
    );
}

async fn the_scheme_is_written_in_any_case(world: World) {
    let token = world.person("alice").await.log_in().await.unwrap().tokens.access_token;
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        get_me(&world, &format!("{scheme} {token}")).await.unwrap();
    }
}

async fn white_space_around_the_token_is_none_of_it(world: World) {
    let token = world.person("alice").await.log_in().await.unwrap().tokens.access_token;
    for value in [
        format!("Bearer  {token}"),
        format!("Bearer    {token}"),
        format!("Bearer {token} "),
        format!(" bearer  {token}\t"),
    ] {
        get_me(&world, &value).await.unwrap();
    }
}

async fn anything_but_one_bearer_value_is_no_token(world: World) {
    let token = world.person("alice").await.log_in().await.unwrap().tokens.access_token;
    let good = format!("Bearer {token}");
    for values in [
        &[][..],
        &[good.as_str(), good.as_str()],
        &[&good, "Bearer x"],
        &["Basic YWxpY2U6cGFzc3dvcmQ=", &good],
        &["Basic YWxpY2U6cGFzc3dvcmQ="],
        &[&format!("Token {token}")],
        &[&token],
        &["Bearer"],
        &["Bearer "],
        &[""],
        &["Bearer \u{1f600}"],
    ] {
        let headers: Vec<(&str, &[u8])> = values.iter().map(|value| ("authorization", value.as_bytes())).collect();
        assert_eq!(reason(answer(&world, &headers).await.result()), TokenMissing, "{values:?}");
    }
    for value in [format!("{good}, {good}"), format!("{good},{good}"), format!("Bearer \t{token}"), format!("{good} x")]
    {
        assert_eq!(reason(get_me(&world, &value).await), TokenInvalid, "{value}");
    }
}

async fn a_token_is_taken_from_nowhere_else(world: World) {
    let token = world.person("alice").await.log_in().await.unwrap().tokens.access_token;
    let path = format!("{GET_ME}?access_token={token}");
    let answer_to_query = Call::new(&path, b"").send(world.replica().address).await.unwrap();
    assert_eq!(reason(answer_to_query.result()), TokenMissing);
    let cookie = format!("access_token={token}");
    for headers in [("x-authorization", token.as_bytes()), ("cookie", cookie.as_bytes()), ("token", token.as_bytes())] {
        assert_eq!(reason(answer(&world, &[headers]).await.result()), TokenMissing, "{}", headers.0);
    }
}

async fn a_token_ends_with_its_time(world: World) {
    let phone = world.person("alice").await.log_in().await.unwrap();
    world.wait(Duration::minutes(15) - Duration::MICROSECOND);
    phone.me().await.unwrap();
    world.wait(Duration::MICROSECOND);
    assert_eq!(reason(phone.me().await), TokenExpired);
    world.wait(Duration::days(1000));
    assert_eq!(reason(phone.me().await), TokenExpired);
    let (header, mut claims) = token::read(&phone.tokens.access_token);
    claims["iss"] = json!("https://other.example");
    let forged = Key::of(&world).await.sign(header.to_string(), claims.to_string());
    assert_eq!(reason(phone.bearing(&forged).me().await), TokenInvalid, "expired, but never genuine");
}
