//! What is answered at all, and what the server says of itself.

use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus::NotServing;
use tonic_health::pb::health_client::HealthClient;

use crate::support::http::{HttpAnswer, ask, get, send};
use crate::support::on_both_backends;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    only_get_and_head_are_served
    nothing_else_is_there
    answers_do_not_tell_what_sends_them
    a_head_has_its_limits
    what_is_not_http_is_refused
    life_and_readiness_are_two_things
}

const PATHS: [&str; 7] = [
    "/.well-known/jwks.json",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/.well-known/webauthn",
    "/metrics",
    "/healthz",
    "/readyz",
];

async fn only_get_and_head_are_served(world: World) {
    let side_port = world.replica().side_port;
    let methods = ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "BREW"];
    let targets = methods.iter().flat_map(|method| PATHS.map(|path| format!("{method} {path}")));
    for target in targets.chain(["CONNECT localhost:443".to_owned(), "OPTIONS *".to_owned(), "POST /x".to_owned()]) {
        let answer = ask(side_port, &target, &["content-length: 0"]).await;
        assert_eq!((answer.status, answer.header("allow")), (405, "GET, HEAD"), "{target}");
        assert!(!answer.headers.contains_key("access-control-allow-origin"), "{target}");
    }
    for path in PATHS {
        let (got, head) = (get(side_port, path).await, ask(side_port, &format!("HEAD {path}"), &[]).await);
        assert_eq!((got.status, head.status, head.body.as_str()), (200, 200, ""), "{path}");
        assert_eq!(got.header("content-type"), head.header("content-type"), "{path}");
        assert!(!got.body.is_empty(), "{path}");
    }
}

async fn nothing_else_is_there(world: World) {
    for path in [
        "/",
        "/.well-known/",
        "/.well-known/jwks.json/",
        "/.well-known/jwks.json/x",
        "/.well-known/JWKS.json",
        "//.well-known/jwks.json",
        "/metrics/../healthz",
        "/metrics/",
        "/%6detrics",
        "/ipse.v1.AuthService/Login",
    ] {
        let answer = get(world.replica().side_port, path).await;
        assert_eq!((answer.status, answer.body.as_str()), (404, "not found\n"), "{path}");
    }
    for path in PATHS {
        assert_eq!(get(world.replica().side_port, &format!("{path}?x=1")).await.status, 200, "{path}");
    }
}

async fn answers_do_not_tell_what_sends_them(world: World) {
    let side_port = world.replica().side_port;
    let mut answers: Vec<HttpAnswer> = vec![get(side_port, "/nothing").await, ask(side_port, "POST /", &[]).await];
    for path in PATHS {
        answers.push(get(side_port, path).await);
    }
    for answer in answers {
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(!answer.header("cache-control").is_empty());
        for banner in ["server", "x-powered-by", "via"] {
            assert!(!answer.headers.contains_key(banner), "{answer:?}");
        }
        assert!(!answer.body.contains(env!("CARGO_PKG_VERSION")), "{}", answer.body);
    }
}

async fn a_head_has_its_limits(world: World) {
    let side_port = world.replica().side_port;
    let padding = |bytes: usize| format!("x-padding: {}", "a".repeat(bytes));
    assert_eq!(ask(side_port, "GET /healthz", &[&padding(7 * 1024)]).await.status, 200);
    assert_eq!(ask(side_port, "GET /healthz", &[&padding(9 * 1024)]).await.status, 431);
    let many: Vec<String> = (0..100).map(|number| format!("x-{number}: a")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(ask(side_port, "GET /healthz", &many[..60]).await.status, 200);
    assert_eq!(ask(side_port, "GET /healthz", &many).await.status, 431);
    assert!(ask(side_port, &format!("GET /{}", "a".repeat(100_000)), &[]).await.status >= 400);
}

async fn what_is_not_http_is_refused(world: World) {
    let side_port = world.replica().side_port;
    for bytes in ["\0\0\0\0\r\n\r\n", "GET /healthz HTTP/1.1\r\nhost : x\r\n\r\n"] {
        let answer = send(side_port, bytes.as_bytes()).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{bytes:?}: {answer}");
    }
    // Frames, the last of which says why the connection ends.
    let farewell = send(side_port, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert!(farewell.ends_with("This port speaks HTTP/1.1 alone: gRPC is on another port."), "{farewell:?}");
    assert_eq!(get(side_port, "/healthz").await.status, 200);
}

/// An instance that stops is not restarted for that, but gets no more work.
async fn life_and_readiness_are_two_things(world: World) {
    let side_port = world.replica().side_port;
    assert_eq!(get(side_port, "/readyz").await.body, "ready\n");
    let alice = world.person("alice").await;
    let mut health = HealthClient::new(world.replica().channel.clone());
    let mut watch = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    watch.message().await.unwrap();
    let mut lock = world.lock_writes().await;
    let begun = world.clock.next_reading();
    let stop = async {
        begun.await;
        world.replica().tell_to_stop();
        assert_eq!(watch.message().await.unwrap().unwrap().status(), NotServing);
        let readiness = get(side_port, "/readyz").await;
        assert_eq!((readiness.status, readiness.body.as_str()), (503, "not ready\n"));
        assert_eq!(get(side_port, "/healthz").await.body, "ok\n");
        lock.execute("ROLLBACK").await;
    };
    let (in_work, ()) = tokio::join!(alice.log_in(), stop);
    in_work.unwrap();
    drop((alice, watch, health));
    world.end().await;
}
