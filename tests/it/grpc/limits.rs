//! How much a call may bring and how long it may take.

use bytes::Bytes;
use futures_util::future::join_all;
use http::StatusCode;
use ipse::proto::ErrorReason::{
    FeatureDisabled, FieldInvalid, InternalError, MethodUnknown, RequestMalformed, RequestTooLarge, ResourceNotFound,
    ServerOverloaded, ServerTimeout,
};
use ipse::proto::{LoginRequest, RegisterRequest, RequestPasswordResetRequest, VerifyEmailRequest};
use prost::Message as _;
use tokio::net::TcpStream;
use tonic::{Code, Status};

use crate::support::database::Backend;
use crate::support::descriptors;
use crate::support::gateway::CHECK;
use crate::support::on_both_backends;
use crate::support::refusal::{reason, refusal};
use crate::support::wire::{Answer, Call, Connection, framed};
use crate::support::world::World;

on_both_backends! {
    World::start =>
    a_panic_in_a_call_is_told_as_a_fault_and_harms_nothing_else
    no_rpc_takes_a_message_over_its_limit
    a_message_is_refused_by_its_announced_size
    what_is_no_message_is_malformed
    compressed_messages_are_not_taken
    a_timeout_has_one_form
    a_call_ends_with_the_deadline_of_its_client
    only_rpcs_of_the_contract_exist
    only_grpc_is_spoken
    large_metadata_is_refused_and_the_connection_lives
    a_connection_carries_200_calls_at_a_time
    a_callers_own_request_id_comes_back
}

on_both_backends! {
    one_slow_hash_at_a_time =>
    a_sign_in_that_nobody_waits_for_gives_its_place_back
}

on_both_backends! {
    one_second =>
    a_call_ends_with_the_deadline_of_the_server
}

on_both_backends! {
    one_call_at_a_time =>
    a_full_server_refuses_at_once_but_for_health_checks
}

const LOGIN: &str = "/ipse.v1.AuthService/Login";
const VERIFY: &str = "/ipse.v1.AuthService/VerifyEmail";

async fn one_slow_hash_at_a_time(backend: Backend) -> World {
    World::with(backend, &["HASHING_THREADS=1", "HASHING_QUEUE=1", "HASHING_ITERATIONS=16"]).await
}

async fn one_second(backend: Backend) -> World {
    World::with(backend, &["REQUEST_TIMEOUT=1s"]).await
}

async fn one_call_at_a_time(backend: Backend) -> World {
    World::with(backend, &["MAX_IN_FLIGHT=1"]).await
}

async fn send(world: &World, call: Call<'_>) -> Answer {
    call.send(world.replica().address).await.unwrap()
}

async fn outcome(world: &World, call: Call<'_>) -> Result<(), Status> {
    send(world, call).await.result()
}

/// A message whose one field no RPC knows, `length` bytes in all.
fn filler(length: usize) -> Vec<u8> {
    let mut message = vec![0xfa, 0x7f];
    prost::encoding::encode_varint((length - 5) as u64, &mut message);
    message.resize(length, b'a');
    message
}

/// 64 KiB, but for Envoy, which tells of whole requests.
fn most_bytes(path: &str) -> usize {
    if path == CHECK { 128 * 1024 } else { 64 * 1024 }
}

async fn no_rpc_takes_a_message_over_its_limit(world: World) {
    world.administrator().await;
    for method in descriptors::methods() {
        // Anew, as Logout does what it is asked to.
        let token = world.stranger("root").log_in().await.unwrap().tokens.access_token;
        let bearer = format!("Bearer {token}");
        let headers: [(&str, &[u8]); 1] = [("authorization", bearer.as_bytes())];
        let path = descriptors::path(&method);
        // The answer to others may have no end.
        if !method.is_server_streaming() {
            let within = send(&world, Call::new(&path, &filler(most_bytes(&path))).with(&headers)).await;
            // Who has no second factor gets no recovery codes.
            let refusals = [FieldInvalid, ResourceNotFound];
            assert!(within.result().is_ok() || refusals.contains(&reason(within.result())), "{path}: {within:?}");
        }
        let beyond = outcome(&world, Call::new(&path, &filler(most_bytes(&path) + 1)).with(&headers)).await;
        assert_eq!(reason(beyond), RequestTooLarge, "{path}");
    }
}

async fn a_message_is_refused_by_its_announced_size(world: World) {
    for size in [64 * 1024 + 1, u32::MAX] {
        let body = Bytes::from([&[0][..], &size.to_be_bytes(), b"a"].concat());
        assert_eq!(reason(outcome(&world, Call { path: VERIFY, headers: &[], body }).await), RequestTooLarge);
    }
}

async fn what_is_no_message_is_malformed(world: World) {
    let cut = &LoginRequest { identifier: "alice".to_owned(), ..LoginRequest::default() }.encode_to_vec()[..4];
    for message in [
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff".as_slice(),
        b"\x0a\xff",
        b"\x0a\x02\xc3\x28",
        b"\x0a\x03\xed\xa0\x80",
        b"\x08\x01",
        b"\x07",
        cut,
    ] {
        assert_eq!(reason(outcome(&world, Call::new(LOGIN, message)).await), RequestMalformed, "{message:?}");
    }
    let whole = framed(&VerifyEmailRequest { token: "a".to_owned(), request_id: String::new() }.encode_to_vec());
    let kind_2 = [&[2], &whole[1..]].concat();
    for body in [Bytes::new(), whole.slice(..3), whole.slice(..whole.len() - 1), Bytes::from(kind_2)] {
        let call = Call { path: VERIFY, headers: &[], body };
        let text = format!("{:?}", call.body);
        assert_eq!(reason(outcome(&world, call).await), RequestMalformed, "{text}");
    }
}

async fn compressed_messages_are_not_taken(world: World) {
    let body = Bytes::from([&[1], &framed(b"\x0a\x01a")[1..]].concat());
    for (encoding, expected) in [("gzip", FeatureDisabled), ("br", FeatureDisabled), ("identity", RequestMalformed)] {
        let headers: [(&str, &[u8]); 1] = [("grpc-encoding", encoding.as_bytes())];
        let call = Call { path: VERIFY, headers: &headers, body: body.clone() };
        assert_eq!(reason(outcome(&world, call).await), expected, "{encoding}");
    }
}

async fn a_timeout_has_one_form(world: World) {
    let message = VerifyEmailRequest { token: "invented".to_owned(), request_id: String::new() }.encode_to_vec();
    for malformed in ["", "5", "m", "5x", "-5m", "5.0S", "123456789S", "+5S", "5 S", "5s", "\u{e9}"] {
        let headers: [(&str, &[u8]); 1] = [("grpc-timeout", malformed.as_bytes())];
        let refused = outcome(&world, Call::new(VERIFY, &message).with(&headers)).await;
        assert_eq!(reason(refused), RequestMalformed, "{malformed:?}");
    }
    for fine in ["99999999H", "1H", "10M", "10000m", "9000000u"] {
        let headers: [(&str, &[u8]); 1] = [("grpc-timeout", fine.as_bytes())];
        let refused = outcome(&world, Call::new(VERIFY, &message).with(&headers)).await;
        assert_ne!(reason(refused), RequestMalformed, "{fine:?}");
    }
}

fn request_reset() -> Vec<u8> {
    RequestPasswordResetRequest { email: "alice@example.com".to_owned(), request_id: String::new() }.encode_to_vec()
}

/// The transport has a timer of its own that knows no reasons. It must never be the faster one.
async fn a_call_ends_with_the_deadline_of_its_client(world: World) {
    let alice = world.person("alice").await;
    let lock = world.lock_writes().await;
    let reset = request_reset();
    let mut deadlines: Vec<String> = (0..40).map(|number| format!("{}u", 1000 + 997 * number)).collect();
    deadlines.extend(["0m".to_owned(), "1n".to_owned()]);
    let answers = join_all(deadlines.iter().map(async |deadline| {
        let headers: [(&str, &[u8]); 1] = [("grpc-timeout", deadline.as_bytes())];
        let path = "/ipse.v1.AuthService/RequestPasswordReset";
        (deadline, outcome(&world, Call::new(path, &reset).with(&headers)).await)
    }));
    for (deadline, answer) in answers.await {
        assert_eq!(reason(answer), ServerTimeout, "{deadline}");
    }
    drop(lock);
    assert!(alice.mails().await.is_empty(), "nothing was half done");
    alice.request_reset().await.unwrap();
    assert_eq!(alice.mail_kinds().await, ["reset_password"]);
}

async fn a_call_ends_with_the_deadline_of_the_server(world: World) {
    let _lock = world.lock_writes().await;
    assert_eq!(reason(world.stranger("alice").request_reset().await), ServerTimeout);
}

async fn a_sign_in_that_nobody_waits_for_gives_its_place_back(world: World) {
    let request = LoginRequest {
        identifier: "alice".to_owned(),
        password: "the long way home".to_owned(),
        ..LoginRequest::default()
    };
    let message = request.encode_to_vec();
    let headers: [(&str, &[u8]); 1] = [("grpc-timeout", b"20m")];
    // One at a time hashes, one waits; each of these takes longer than its deadline.
    for _ in 0..12 {
        let refused = outcome(&world, Call::new(LOGIN, &message).with(&headers)).await;
        assert_eq!(reason(refused), ServerTimeout);
    }
    let served = outcome(&world, Call::new(LOGIN, &message)).await;
    assert_eq!(reason(served), ipse::proto::ErrorReason::CredentialsInvalid);
}

async fn a_full_server_refuses_at_once_but_for_health_checks(world: World) {
    let mut lock = world.lock_writes().await;
    let begun = world.clock.next_reading();
    let alice = world.stranger("alice");
    let others = async {
        begun.await;
        for _ in 0..3 {
            let refused = Call::new("/ipse.v1.KeyService/ListSigningKeys", b"");
            assert_eq!(reason(outcome(&world, refused).await), ServerOverloaded);
        }
        outcome(&world, Call::new("/grpc.health.v1.Health/Check", b"")).await.unwrap();
        lock.execute("ROLLBACK").await;
    };
    let (first, ()) = tokio::join!(alice.request_reset(), others);
    first.unwrap();
    outcome(&world, Call::new("/ipse.v1.KeyService/ListSigningKeys", b"")).await.unwrap();
}

/// Anywhere in a call, also in the middle of a transaction: more often than there are connections to the database.
async fn a_panic_in_a_call_is_told_as_a_fault_and_harms_nothing_else(world: World) {
    let request = |number: i64| RegisterRequest {
        email: format!("person{number}@example.com"),
        password: "the long way home of somebody".to_owned(),
        ..RegisterRequest::default()
    };
    let headers: [(&str, &[u8]); 1] = [("x-request-id", b"the-call-that-panicked")];
    for number in 0..24 {
        world.entropy.panic_after(number % 6);
        let message = request(number).encode_to_vec();
        let call = Call::new("/ipse.v1.AuthService/Register", &message).with(&headers);
        let answer = send(&world, call).await;
        if number % 6 < 4 {
            let status = answer.result().unwrap_err();
            let refusal = refusal(Err::<(), _>(status.clone()));
            assert_eq!((status.code(), refusal.reason), (Code::Internal, InternalError));
            assert_eq!(refusal.metadata["request_id"], "the-call-that-panicked");
            let told = format!("{} {}", status.message(), String::from_utf8_lossy(status.details()));
            assert!(!["canary", "secret.rs", "SELECT"].iter().any(|inner| told.contains(inner)), "{told}");
        }
    }
    world.entropy.panic_after(-1);
    let alice = world.person("alice").await;
    alice.log_in().await.unwrap().me().await.unwrap();
    let passwords = world.count("passwords").await;
    assert_eq!(world.count("users").await, passwords, "nothing is stored by half");
}

async fn only_rpcs_of_the_contract_exist(world: World) {
    for path in [
        "/",
        "/ipse.v1.AuthService",
        "/ipse.v1.AuthService/",
        "/ipse.v1.AuthService/login",
        "/ipse.v1.AuthService/Login/",
        "//ipse.v1.AuthService/Login",
        "/ipse.v1.NobodysService/GetUser",
        "/ipse.v2.AuthService/Login",
        "/grpc.health.v1.Health/Nothing",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    ] {
        assert_eq!(reason(outcome(&world, Call::new(path, b"")).await), MethodUnknown, "{path}");
    }
}

async fn only_grpc_is_spoken(world: World) {
    let status = async |content_type: &str| {
        let headers: [(&str, &[u8]); 1] = [("content-type", content_type.as_bytes())];
        send(&world, Call::new(VERIFY, b"\x0a\x01a").with(&headers)).await.http_status
    };
    let others = ["application/json", "text/plain", "", "text/application/grpc", "application/grpcx"];
    let relatives = ["-web", "-web+proto", "-web-text", "-web-text+proto", "+json", "+x"]
        .map(|end| format!("application/grpc{end}"));
    for content_type in others.into_iter().chain(relatives.iter().map(String::as_str)) {
        assert_eq!(status(content_type).await, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type}");
    }
    for content_type in ["application/grpc", "application/grpc+proto", "Application/gRPC; charset=utf-8"] {
        assert_eq!(status(content_type).await, StatusCode::OK, "{content_type}");
    }
}

async fn large_metadata_is_refused_and_the_connection_lives(world: World) {
    let stream = TcpStream::connect(world.replica().address).await.unwrap();
    let mut connection = Connection::open(stream).await;
    for size in [8 * 1024, 20 * 1024] {
        let large = vec![b'a'; size];
        let headers: [(&str, &[u8]); 1] = [("authorization", &large)];
        let refused = connection.send(Call::new(VERIFY, b"\x0a\x01a").with(&headers)).await;
        let refused = refused.map(|answer| answer.http_status);
        assert_eq!(refused.ok(), Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE), "{size}");
    }
    let next = connection.send(Call::new(VERIFY, b"\x0a\x01a")).await.unwrap();
    assert_eq!(reason(next.result()), ipse::proto::ErrorReason::ActionTokenInvalid);
}

async fn a_connection_carries_200_calls_at_a_time(world: World) {
    let stream = TcpStream::connect(world.replica().address).await.unwrap();
    let mut connection = Connection::open(stream).await;
    connection.send(Call::new("/ipse.v1.KeyService/ListSigningKeys", b"")).await.unwrap();
    assert_eq!(connection.most_calls_at_a_time(), 200);
}

async fn a_callers_own_request_id_comes_back(world: World) {
    let with = async |id: &str| {
        let headers: [(&str, &[u8]); 1] = [("x-request-id", id.as_bytes())];
        let answer = send(&world, Call::new(VERIFY, b"\x0a\x01a").with(&headers)).await;
        let in_error = crate::support::refusal::refusal(answer.result()).metadata["request_id"].clone();
        assert_eq!(answer.headers["x-request-id"], in_error.as_str());
        in_error
    };
    for fine in ["a", "01890a5d-ac96-774b-bcce-b302099a8057", &"A.z_-9".repeat(10)] {
        assert_eq!(with(fine).await, fine);
    }
    for other in ["", "a b", "a\"b", "\u{e9}", &"a".repeat(65), "{{7*7}}"] {
        let own = with(other).await;
        assert!(own.len() == 32 && own.bytes().all(|b| b.is_ascii_hexdigit()), "{other:?}: {own}");
    }
}
