//! The list at everything in a running service that looks at tokens: the gate before every call (`GetMe`), introspection by
//! a service, and Envoy's question. Each refuses every token alike, to the byte.

use futures_util::FutureExt as _;
use ipse::domain::token::signing_key::SigningAlgorithm;
use ipse::proto::ErrorReason::TokenInvalid;
use ipse::proto::IntrospectTokenRequest;
use ipse::proto::token_service_client::TokenServiceClient;
use prost::Message as _;
use serde_json::json;
use time::Duration;
use tokio::net::{TcpListener, TcpStream};

use super::{LIST, good_tokens, headers, signatures};
use crate::support::custodian::Custodian;
use crate::support::forge::{Forge, Key};
use crate::support::gateway::{CHECK, question_about};
use crate::support::key_holder::KeyHolder;
use crate::support::on_both_backends;
use crate::support::person::Device;
use crate::support::refusal::reason;
use crate::support::token;
use crate::support::wire::{Answer, Call, Connection};
use crate::support::world::{ISSUER, World};

on_both_backends! {
    World::start =>
    known_attacks_are_refused
    tokens_of_others_and_of_other_kinds_are_refused
    no_token_makes_the_server_call_anybody
    a_token_of_a_session_that_ended_is_refused_in_every_form
}

/// How long a key is published before it signs.
const LEAD: Duration = Duration::minutes(15);
const GET_ME: &str = "/ipse.v1.AccountService/GetMe";
/// What a route demands whose tokens are for Ipse itself.
const OWN_AUDIENCE: [(&str, &str); 1] = [("audience", ISSUER)];
const INTROSPECT: &str = "/ipse.v1.TokenService/IntrospectToken";

/// A way into the service that takes a token.
#[derive(Debug, Clone, Copy)]
enum Door {
    GetMe,
    IntrospectToken,
    Check,
}

impl Door {
    const ALL: [Self; 3] = [Self::GetMe, Self::IntrospectToken, Self::Check];

    /// Whether a token gets through to where it is verified. The others are refused before, as no well-formed call.
    fn carries(self, token: &str) -> bool {
        let is_text = |characters: std::ops::RangeInclusive<u8>| token.bytes().all(|byte| characters.contains(&byte));
        !token.is_empty()
            && match self {
                // All headers together have to stay below 8 KiB.
                Self::GetMe => token.len() <= 7000 && is_text(b' '..=b'~'),
                Self::IntrospectToken => token.len() <= 8192 && !token.contains('\0'),
                Self::Check => token.is_ascii(),
            }
    }
}

/// All doors of a service, over one connection.
struct Doors<'w> {
    world: &'w World,
    service: Device<'w>,
    connection: Connection,
}

impl<'w> Doors<'w> {
    async fn of(world: &'w World) -> Self {
        let connection = Connection::open(TcpStream::connect(world.replica().address).await.unwrap()).await;
        Self { world, service: world.person_with_role("service", "service").await, connection }
    }

    /// What a door says. All calls have one request id, so that answers alike are the same bytes.
    async fn answer(&mut self, door: Door, token: &str) -> Answer {
        let (path, bearer, message) = match door {
            Door::GetMe => (GET_ME, token, vec![]),
            Door::IntrospectToken => {
                let about = IntrospectTokenRequest { token: token.to_owned(), audience: ISSUER.to_owned() };
                (INTROSPECT, self.service.tokens.access_token.as_str(), about.encode_to_vec())
            }
            // Envoy itself shows no token. Its route asks for tokens that Ipse itself would take.
            Door::Check => (CHECK, "", question_about(token, &OWN_AUDIENCE).encode_to_vec()),
        };
        let bearer = format!("Bearer {bearer}");
        let headers: [(&str, &[u8]); 2] = [("x-request-id", b"the-same"), ("authorization", bearer.as_bytes())];
        let headers = if bearer == "Bearer " { &headers[..1] } else { &headers[..] };
        self.connection.send(Call::new(path, &message).with(headers)).await.unwrap()
    }

    async fn is_active(&self, token: &str) -> bool {
        let about = IntrospectTokenRequest { token: token.to_owned(), audience: ISSUER.to_owned() };
        let mut client = TokenServiceClient::new(self.service.channel());
        client.introspect_token(self.service.request(about)).await.unwrap().into_inner().active
    }

    /// Every door takes this token of a person, or of a service, which has no account that `GetMe` could tell of.
    async fn assert_good(&mut self, token: &str) {
        if token::read(token).1["client_id"] == json!("ipse") {
            self.answer(Door::GetMe, token).await.result().unwrap();
        }
        assert!(self.is_active(token).await, "{token}");
        self.world.verdict(question_about(token, &OWN_AUDIENCE)).await.unwrap().identity();
    }

    /// What each door says of garbage, which is looked at first.
    async fn refusals(&mut self) -> Vec<(Door, Answer)> {
        assert!(!self.is_active("garbage").await);
        let verdict = self.world.verdict(question_about("garbage", &OWN_AUDIENCE)).await.unwrap();
        assert_eq!(verdict.refusal(), (401, "TOKEN_INVALID"));
        assert_eq!(reason(self.answer(Door::GetMe, "garbage").await.result()), TokenInvalid);
        let mut refusals = Vec::new();
        for door in Door::ALL {
            refusals.push((door, self.answer(door, "garbage").await));
        }
        refusals
    }

    /// Each door that carries these tokens refuses them as it does garbage, to the byte.
    async fn assert_refused(&mut self, attack: &str, tokens: &[String]) {
        let refusals = self.refusals().await;
        for token in tokens {
            for (door, expected) in refusals.iter().filter(|(door, _)| door.carries(token)) {
                assert_eq!(self.answer(*door, token).await, *expected, "{door:?}: {attack}: {token}");
            }
        }
    }
}

/// A service with a key of each algorithm, and what its tokens are forged from.
async fn forge(world: &World) -> Forge {
    let holder = KeyHolder::new(world).await;
    for algorithm in ["RS256", "EdDSA"] {
        holder.rotate_as("", algorithm).await.unwrap();
        world.wait(LEAD);
    }
    let phone = world.person("alice").await.log_in().await.unwrap();
    let root = Custodian(world.stranger("root").log_in().await.unwrap());
    root.operator().create("desk", &["orders.*"]).await.unwrap();
    let program = root.program(world, "desk", &[]).await;
    let limited = program.exchange_for(&["orders.read"]).await.unwrap();
    Forge {
        keys: Key::all_of(world).await,
        algorithm: SigningAlgorithm::Es256,
        person: token::payload(&phone.tokens.access_token),
        service: token::payload(&limited.access_token),
        now: token::seconds(world),
    }
}

async fn known_attacks_are_refused(world: World) {
    let forge = forge(&world).await;
    let mut doors = Doors::of(&world).await;
    for good in good_tokens(&forge) {
        doors.assert_good(&good).await;
    }
    for (attack, tokens) in LIST {
        let tokens = tokens(&forge);
        assert!(tokens.iter().any(|token| Door::ALL.iter().all(|door| door.carries(token))), "{attack}");
        doors.assert_refused(attack, &tokens).await;
    }
    doors.assert_good(&forge.genuine()).await;
}

async fn tokens_of_others_and_of_other_kinds_are_refused(world: World) {
    let mut doors = Doors::of(&world).await;
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    let (phone, other) = (alice.log_in().await.unwrap(), bob.log_in().await.unwrap());
    let ended = alice.log_in().await.unwrap();
    ended.log_out().await.unwrap();
    alice.request_reset().await.unwrap();
    let mailed = alice.mailed_token().await;
    let key = Key::of(&world).await;
    let claims = token::read(&phone.tokens.access_token).1;
    let (of_bob, of_ended) = (token::read(&other.tokens.access_token).1, token::read(&ended.tokens.access_token).1);
    let mut forged = Vec::new();
    for (name, value) in [
        ("sub", of_bob["sub"].clone()),
        ("sid", of_bob["sid"].clone()),
        ("sid", of_ended["sid"].clone()),
        ("sid", json!("01890a5d-ac96-774b-bcce-b302099a8057")),
        ("sub", json!("01890a5d-ac96-774b-bcce-b302099a8057")),
        ("sub", json!("00000000-0000-0000-0000-000000000000")),
    ] {
        let mut claims = claims.clone();
        claims[name] = value;
        forged.push(key.sign(key.header(), claims.to_string()));
    }
    doors.assert_good(&key.sign(key.header(), claims.to_string())).await;
    forged.extend([ended.tokens.access_token, phone.tokens.refresh_token, mailed, phone.tokens.session_id]);
    doors.assert_refused("a token of another, or of another kind", &forged).await;
}

async fn no_token_makes_the_server_call_anybody(world: World) {
    let forge = forge(&world).await;
    let trap = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", trap.local_addr().unwrap());
    Doors::of(&world).await.assert_refused("a place of keys", &headers::that_name(&forge, &url)).await;
    assert!(trap.accept().now_or_never().is_none(), "somebody came");
}

/// What ends a session ends both forms of its tokens.
async fn a_token_of_a_session_that_ended_is_refused_in_every_form(world: World) {
    let mut doors = Doors::of(&world).await;
    let phone = world.person("alice").await.log_in().await.unwrap();
    let twin = signatures::twin_of(&phone.tokens.access_token);
    doors.assert_good(&twin).await;
    phone.log_out().await.unwrap();
    doors.assert_refused("a token whose session ended", &[twin, phone.tokens.access_token]).await;
}
