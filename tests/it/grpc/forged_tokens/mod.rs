//! Tokens that this server did not issue in this form: every way that takes a token refuses each of them alike.

mod attacks;
mod signatures;

use futures_util::FutureExt as _;
use ipse::proto::ErrorReason::TokenInvalid;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::database::Backend;
use crate::support::gateway::{CHECK, question_about};
use crate::support::on_both_backends;
use crate::support::refusal::reason;
use crate::support::token::{self, Forge};
use crate::support::wire::{Answer, Call};
use crate::support::world::World;

on_both_backends! {
    World::start =>
    known_attacks_are_refused
    tokens_of_others_and_of_other_kinds_are_refused
    no_token_makes_the_server_call_anybody
    no_ecdsa_signature_is_good_but_two
    a_token_of_a_session_that_ended_is_refused_in_every_form
}

on_both_backends! {
    with_ed25519 =>
    no_ed25519_signature_is_good_but_one
}

const GET_ME: &str = "/ipse.v1.AccountService/GetMe";

async fn with_ed25519(backend: Backend) -> World {
    World::with(backend, &["SIGNING_ALGORITHM=EdDSA"]).await
}

/// What each of the ways says of a token. All calls have one request id, so that answers alike are the same bytes.
async fn answers(world: &World, token: &str) -> [Answer; 2] {
    let bearer = format!("Bearer {token}");
    let headers: [(&str, &[u8]); 2] = [("authorization", bearer.as_bytes()), ("x-request-id", b"the-same")];
    let me = Call::new(GET_ME, b"").with(&headers).send(world.replica().address).await.unwrap();
    [me, world.answer(CHECK, &question_about(token, &[])).await]
}

async fn assert_good(world: &World, token: &str) {
    let [me, check] = answers(world, token).await;
    me.result().unwrap();
    check.result().unwrap();
    world.verdict(question_about(token, &[])).await.unwrap().identity();
}

/// Each of these tokens is refused by each of the ways as garbage is, to the byte.
async fn assert_refused(world: &World, tokens: &[String]) {
    let expected = answers(world, "garbage").await;
    assert_eq!(reason(expected[0].result()), TokenInvalid);
    let verdict = world.verdict(question_about("garbage", &[])).await.unwrap();
    assert_eq!(verdict.refusal(), (401, "TOKEN_INVALID"));
    for token in tokens {
        assert_eq!(answers(world, token).await, expected, "{token}");
    }
}

async fn known_attacks_are_refused(world: World) {
    let phone = world.person("alice").await.log_in().await.unwrap();
    let forge = Forge::new(&world).await;
    let (header, claims) = token::read(&phone.tokens.access_token);
    let genuine = forge.sign(&header, &claims);
    assert_good(&world, &genuine).await;
    let forged = attacks::on(&forge, &genuine);
    assert!(forged.len() > 90, "{}", forged.len());
    assert_refused(&world, &forged).await;
    assert_good(&world, &genuine).await;
}

async fn tokens_of_others_and_of_other_kinds_are_refused(world: World) {
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    let (phone, other) = (alice.log_in().await.unwrap(), bob.log_in().await.unwrap());
    let ended = alice.log_in().await.unwrap();
    ended.log_out().await.unwrap();
    alice.request_reset().await.unwrap();
    let mailed = alice.mailed_token().await;
    let forge = Forge::new(&world).await;
    let (header, claims) = token::read(&phone.tokens.access_token);
    let id = |device: &Value, name: &str| device[name].clone();
    let (of_bob, of_ended) = (token::read(&other.tokens.access_token).1, token::read(&ended.tokens.access_token).1);
    let mut forged = Vec::new();
    for (name, value) in [
        ("sub", id(&of_bob, "sub")),
        ("sid", id(&of_bob, "sid")),
        ("sid", id(&of_ended, "sid")),
        ("sid", json!("01890a5d-ac96-774b-bcce-b302099a8057")),
        ("sub", json!("01890a5d-ac96-774b-bcce-b302099a8057")),
        ("sub", json!("00000000-0000-0000-0000-000000000000")),
    ] {
        let mut claims = claims.clone();
        claims[name] = value;
        forged.push(forge.sign(&header, &claims));
    }
    forged.extend([ended.tokens.access_token, phone.tokens.refresh_token, mailed, phone.tokens.session_id]);
    assert_refused(&world, &forged).await;
}

async fn no_token_makes_the_server_call_anybody(world: World) {
    let phone = world.person("alice").await.log_in().await.unwrap();
    let trap = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", trap.local_addr().unwrap());
    let forged = attacks::that_name(&Forge::new(&world).await, &phone.tokens.access_token, &url);
    assert_refused(&world, &forged).await;
    assert!(trap.accept().now_or_never().is_none(), "somebody came");
}

/// The other one is `n - s` in place of `s`, which ECDSA allows.
async fn no_ecdsa_signature_is_good_but_two(world: World) {
    let token = world.person("alice").await.log_in().await.unwrap().tokens.access_token;
    assert_good(&world, &token).await;
    assert_good(&world, &signatures::twin(&token)).await;
    assert_refused(&world, &signatures::p256(&token)).await;
}

async fn no_ed25519_signature_is_good_but_one(world: World) {
    let token = world.person("alice").await.log_in().await.unwrap().tokens.access_token;
    assert_eq!(token::read(&token).0["alg"], "EdDSA");
    assert_good(&world, &token).await;
    assert_refused(&world, &signatures::ed25519(&token)).await;
}

/// What ends a session ends both forms of its tokens.
async fn a_token_of_a_session_that_ended_is_refused_in_every_form(world: World) {
    let phone = world.person("alice").await.log_in().await.unwrap();
    let twin = signatures::twin(&phone.tokens.access_token);
    assert_good(&world, &twin).await;
    phone.log_out().await.unwrap();
    assert_refused(&world, &[twin, phone.tokens.access_token]).await;
}
