//! Calls of people who sign up, sign in and stay signed in.

use std::sync::Arc;
use std::time::Duration;

use ipse::proto::auth_service_client::AuthServiceClient;
use ipse::proto::complete_mfa_request::Proof;
use ipse::proto::login_response::Result as LoginResult;
use ipse::proto::{
    BeginPasskeyLoginRequest, CompleteMfaRequest, CompletePasskeyLoginRequest, LoginRequest, RefreshRequest,
    RegisterRequest,
};
use tonic::Status;
use tonic::transport::Channel;

use super::Case;
use crate::Failure;
use crate::drive::{self, Call};
use crate::limits::Limit;
use crate::options::StoreKind;
use crate::people::{self, PASSWORD};
use crate::world::{Pool, World, from_afar};

/// Calls that hash or commit and are in flight at once.
const IN_FLIGHT: usize = 32;

pub(super) fn cases(kind: StoreKind, world: &Arc<World>, channels: &[Channel]) -> Vec<Case> {
    let of_refresh = match kind {
        StoreKind::Sqlite => Limit::Commit,
        StoreKind::Postgres => Limit::Pgbench("pgbench refresh", refresh_scripts(world)),
    };
    vec![
        Case::new("register", Limit::Argon2, world, register).in_flight(IN_FLIGHT),
        Case::new("login", Limit::Argon2, world, log_in).in_flight(IN_FLIGHT),
        Case::new("refresh", of_refresh, world, refresh).in_flight(IN_FLIGHT),
        Case::new("passkey", Limit::Commit, world, passkey).in_flight(IN_FLIGHT),
        complete_mfa(world, channels),
    ]
}

async fn register(world: Arc<World>, channel: Channel) -> Result<bool, Status> {
    let number = world.next();
    let (email, password) = (people::email('r', number), PASSWORD.to_owned());
    let request = RegisterRequest { email, password, ..RegisterRequest::default() };
    AuthServiceClient::new(channel).register(from_afar(request, number)).await.map(|_| true)
}

async fn log_in(world: Arc<World>, channel: Channel) -> Result<bool, Status> {
    let number = world.next();
    let identifier = people::email('p', number % world.people);
    match password(channel, identifier, number).await? {
        LoginResult::Tokens(_) => Ok(true),
        LoginResult::MfaChallenge(_) => Err(Status::internal("a password was not enough")),
    }
}

async fn password(channel: Channel, identifier: String, number: usize) -> Result<LoginResult, Status> {
    let request = LoginRequest { identifier, password: PASSWORD.to_owned(), ..LoginRequest::default() };
    let answer = AuthServiceClient::new(channel).login(from_afar(request, number)).await?.into_inner();
    answer.result.ok_or_else(|| Status::internal("neither tokens nor a challenge"))
}

async fn refresh(world: Arc<World>, channel: Channel) -> Result<bool, Status> {
    let Some(refresh_token) = world.refresh_tokens.take() else { return Ok(false) };
    let request = RefreshRequest { refresh_token, ..RefreshRequest::default() };
    let tokens = AuthServiceClient::new(channel).refresh(request).await?.into_inner().tokens;
    world.refresh_tokens.put(tokens.ok_or_else(|| Status::internal("no tokens"))?.refresh_token);
    Ok(true)
}

/// What a refresh asks of PostgreSQL: the session with its person, its rotation, the roles of the person.
fn refresh_scripts(world: &World) -> Vec<String> {
    let script = |id: &str| {
        format!(
            "BEGIN;
SELECT * FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = '{id}';
UPDATE sessions SET refresh_generation = refresh_generation + 1, refresh_digest = sha256(refresh_digest),
    previous_digest = refresh_digest, rotate_time = now(), last_seen_time = now(), expire_time = expire_time,
    idle_expire_time = now() + interval '14 days' WHERE id = '{id}' AND end_time IS NULL;
SELECT r.id, r.name FROM role_grants g JOIN roles r ON r.id = g.role_id
    WHERE g.user_id = (SELECT user_id FROM sessions WHERE id = '{id}');
COMMIT;
"
        )
    };
    world.signed_in.iter().map(|tokens| script(&tokens.session_id)).collect()
}

/// Both calls of a sign-in with a passkey.
async fn passkey(world: Arc<World>, channel: Channel) -> Result<bool, Status> {
    let number = world.next();
    let mut auth = AuthServiceClient::new(channel);
    let begun = auth.begin_passkey_login(from_afar(BeginPasskeyLoginRequest {}, number)).await?.into_inner();
    let passkey = &world.passkeys[number % world.passkeys.len()];
    let credential_json = passkey.answer(&begun.request_options_json).map_err(unready)?;
    let request = CompletePasskeyLoginRequest {
        challenge_token: begun.challenge_token,
        credential_json,
        ..CompletePasskeyLoginRequest::default()
    };
    auth.complete_passkey_login(from_afar(request, number)).await.map(|_| true)
}

/// Answers challenges with codes. The passwords before that are not part of what is measured.
fn complete_mfa(world: &Arc<World>, channels: &[Channel]) -> Case {
    let waiting = Arc::new(Pool::<(usize, String)>::default());
    let challenges = waiting.clone();
    let call: Call = Arc::new(move |channel| {
        let challenge = challenges.take();
        Box::pin(async move {
            let Some((number, challenge_token)) = challenge else { return Ok(false) };
            let proof = Some(Proof::TotpCode(people::code(number % people::WITH_CODES).map_err(unready)?));
            let request = CompleteMfaRequest { challenge_token, proof, request_id: String::new() };
            AuthServiceClient::new(channel).complete_mfa(from_afar(request, number)).await.map(|_| true)
        })
    });
    let (world, channels) = (world.clone(), channels.to_vec());
    let case = Case::of("complete-mfa", Limit::Commit, call).in_flight(IN_FLIGHT);
    // Each takes a hash first: turns are shorter than others.
    case.supplied(150, move |count| challenge(world.clone(), channels.clone(), waiting.clone(), count))
}

/// Has so many people prove their passwords, and nobody else waits to prove more.
async fn challenge(
    world: Arc<World>,
    channels: Vec<Channel>,
    waiting: Arc<Pool<(usize, String)>>,
    count: usize,
) -> Result<usize, Failure> {
    waiting.clear();
    let left = Arc::new(Pool::default());
    (0..count).for_each(|_| left.put(world.next()));
    let prove: Call = Arc::new(move |channel| {
        let (waiting, left) = (waiting.clone(), left.clone());
        Box::pin(async move {
            let Some(number) = left.take() else { return Ok(false) };
            let identifier = people::email('c', number % people::WITH_CODES);
            let LoginResult::MfaChallenge(challenge) = password(channel, identifier, number).await? else {
                return Err(Status::internal("a password was enough"));
            };
            waiting.put((number, challenge.challenge_token));
            Ok(true)
        })
    });
    drive::closed(&prove, &channels, IN_FLIGHT, Duration::MAX).await?;
    Ok(count)
}

fn unready(error: Failure) -> Status {
    Status::from_error(error)
}
