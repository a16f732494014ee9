//! Tokens that this server did not issue in this form: every way that takes a token refuses each of them alike.

mod attacks;
mod signatures;

use futures_util::FutureExt as _;
use ipse::proto::ErrorReason::TokenInvalid;
use ipse::proto::IntrospectTokenRequest;
use ipse::proto::token_service_client::TokenServiceClient;
use prost::Message as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::database::Backend;
use crate::support::gateway::{CHECK, question_about};
use crate::support::on_both_backends;
use crate::support::person::Device;
use crate::support::refusal::reason;
use crate::support::token::{self, Forge};
use crate::support::wire::{Answer, Call};
use crate::support::world::{ISSUER, World};

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
const INTROSPECT: &str = "/ipse.v1.TokenService/IntrospectToken";

async fn with_ed25519(backend: Backend) -> World {
    World::with(backend, &["SIGNING_ALGORITHM=EdDSA"]).await
}

/// Everything that looks at tokens: the gate, introspection by a service, and Envoy's question.
struct Verifiers<'w> {
    world: &'w World,
    service: Device<'w>,
}

impl<'w> Verifiers<'w> {
    async fn of(world: &'w World) -> Self {
        Self { world, service: world.person_with_role("service", "service").await }
    }

    /// What each of them says. All calls have one request id, so that answers alike are the same bytes.
    async fn answers(&self, token: &str) -> [Answer; 3] {
        let about = IntrospectTokenRequest { token: token.to_owned(), audience: ISSUER.to_owned() };
        [
            self.call(GET_ME, token, &[]).await,
            self.call(INTROSPECT, &self.service.tokens.access_token, &about.encode_to_vec()).await,
            self.world.answer(CHECK, &question_about(token, &[])).await,
        ]
    }

    async fn call(&self, path: &str, bearer: &str, message: &[u8]) -> Answer {
        let bearer = format!("Bearer {bearer}");
        let headers: [(&str, &[u8]); 2] = [("authorization", bearer.as_bytes()), ("x-request-id", b"the-same")];
        Call::new(path, message).with(&headers).send(self.world.replica().address).await.unwrap()
    }

    async fn is_active(&self, token: &str) -> bool {
        let about = IntrospectTokenRequest { token: token.to_owned(), audience: ISSUER.to_owned() };
        let mut client = TokenServiceClient::new(self.service.channel());
        client.introspect_token(self.service.request(about)).await.unwrap().into_inner().active
    }

    async fn assert_good(&self, token: &str) {
        self.answers(token).await[0].result().unwrap();
        assert!(self.is_active(token).await, "{token}");
        self.world.verdict(question_about(token, &[])).await.unwrap().identity();
    }

    /// Each of these tokens is refused by each of them as garbage is, to the byte.
    async fn assert_refused(&self, tokens: &[String]) {
        let expected = self.answers("garbage").await;
        assert_eq!(reason(expected[0].result()), TokenInvalid);
        assert!(!self.is_active("garbage").await);
        let verdict = self.world.verdict(question_about("garbage", &[])).await.unwrap();
        assert_eq!(verdict.refusal(), (401, "TOKEN_INVALID"));
        for token in tokens {
            assert_eq!(self.answers(token).await, expected, "{token}");
        }
    }
}

async fn known_attacks_are_refused(world: World) {
    let verifiers = Verifiers::of(&world).await;
    let phone = world.person("alice").await.log_in().await.unwrap();
    let forge = Forge::new(&world).await;
    let (header, claims) = token::read(&phone.tokens.access_token);
    let genuine = forge.sign(&header, &claims);
    verifiers.assert_good(&genuine).await;
    let forged = attacks::on(&forge, &genuine);
    assert!(forged.len() > 90, "{}", forged.len());
    verifiers.assert_refused(&forged).await;
    verifiers.assert_good(&genuine).await;
}

async fn tokens_of_others_and_of_other_kinds_are_refused(world: World) {
    let verifiers = Verifiers::of(&world).await;
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
    verifiers.assert_refused(&forged).await;
}

async fn no_token_makes_the_server_call_anybody(world: World) {
    let verifiers = Verifiers::of(&world).await;
    let phone = world.person("alice").await.log_in().await.unwrap();
    let trap = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", trap.local_addr().unwrap());
    let forged = attacks::that_name(&Forge::new(&world).await, &phone.tokens.access_token, &url);
    verifiers.assert_refused(&forged).await;
    assert!(trap.accept().now_or_never().is_none(), "somebody came");
}

/// The other one is `n - s` in place of `s`, which ECDSA allows.
async fn no_ecdsa_signature_is_good_but_two(world: World) {
    let verifiers = Verifiers::of(&world).await;
    let token = world.person("alice").await.log_in().await.unwrap().tokens.access_token;
    verifiers.assert_good(&token).await;
    verifiers.assert_good(&signatures::twin(&token)).await;
    verifiers.assert_refused(&signatures::p256(&token)).await;
}

async fn no_ed25519_signature_is_good_but_one(world: World) {
    let verifiers = Verifiers::of(&world).await;
    let token = world.person("alice").await.log_in().await.unwrap().tokens.access_token;
    assert_eq!(token::read(&token).0["alg"], "EdDSA");
    verifiers.assert_good(&token).await;
    verifiers.assert_refused(&signatures::ed25519(&token)).await;
}

/// What ends a session ends both forms of its tokens.
async fn a_token_of_a_session_that_ended_is_refused_in_every_form(world: World) {
    let verifiers = Verifiers::of(&world).await;
    let phone = world.person("alice").await.log_in().await.unwrap();
    let twin = signatures::twin(&phone.tokens.access_token);
    verifiers.assert_good(&twin).await;
    phone.log_out().await.unwrap();
    verifiers.assert_refused(&[twin, phone.tokens.access_token]).await;
}
