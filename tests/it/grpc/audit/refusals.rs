//! What the trail tells of calls that were refused, and how often.

use std::net::IpAddr;

use futures_util::future::select;
use ipse::proto::ErrorReason::{
    CredentialsInvalid, PermissionMissing, RateLimited, ServerOverloaded, StepUpRequired, TokenExpired, TokenInvalid,
};
use ipse::proto::User;
use time::Duration;

use crate::support::on_both_backends;
use crate::support::operator::Operator;
use crate::support::refusal::reason;
use crate::support::trail::Trail;
use crate::support::wire::Call;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    throttled_sign_ins_are_told_of_five_times_an_hour
    throttled_requests_are_told_of
    denials_of_one_cause_are_told_of_five_times_an_hour
    denials_within_a_call
    tokens_that_are_none_are_told_of_a_few_times_an_hour
    calls_for_which_there_is_no_room_are_told_of
    an_event_tells_where_the_call_came_from
}

async fn throttled_sign_ins_are_told_of_five_times_an_hour(world: World) {
    let alice = world.person("alice").await;
    for _ in 0..5 {
        assert_eq!(reason(alice.guess().await), CredentialsInvalid);
    }
    let mut trail = Trail::from_now_on(&world).await;
    for _ in 0..8 {
        assert_eq!(reason(alice.log_in().await), RateLimited);
    }
    assert_eq!(trail.lines().await, ["authn_login_throttled denied ->- RATE_LIMITED"; 5]);
    // Another name is another cause.
    let nobody = world.stranger("nobody");
    for _ in 0..5 {
        assert_eq!(reason(nobody.log_in().await), CredentialsInvalid);
    }
    trail.events().await;
    assert_eq!(reason(nobody.log_in().await), RateLimited);
    assert_eq!(trail.lines().await, ["authn_login_throttled denied ->- RATE_LIMITED"]);
    // An hour later there is room again.
    world.wait(Duration::hours(1));
    assert_eq!(reason(alice.guess().await), CredentialsInvalid);
    assert_eq!(reason(alice.guess().await), RateLimited);
    let lines = trail.lines().await;
    assert_eq!(lines.last().unwrap(), "authn_login_throttled denied ->- RATE_LIMITED");
}

async fn throttled_requests_are_told_of(world: World) {
    let alice = world.person("alice").await;
    // As many requests as this network may make, without making them.
    let network: IpAddr = "203.0.113.1".parse().unwrap();
    alice.request_reset().await.unwrap();
    let counters = "UPDATE throttles SET count = 1000";
    world.database.outsider().await.execute(counters).await;
    let mut trail = Trail::from_now_on(&world).await;
    assert_eq!(reason(alice.request_reset().await), RateLimited);
    assert_eq!(reason(world.stranger("bob").register().await), RateLimited);
    let events = trail.events().await;
    let told: Vec<_> = events.iter().map(|e| (e.event.kind.as_str(), e.event.details["request"].as_str())).collect();
    let expected = [
        ("excess_rate_limit_exceeded", "authn_password_reset_request"),
        ("excess_rate_limit_exceeded", "user_created"),
    ];
    assert_eq!(told, expected);
    assert!(events.iter().all(|event| event.event.origin.as_ref().unwrap().client.ip_address == network));
}

async fn denials_of_one_cause_are_told_of_five_times_an_hour(world: World) {
    let alice = Operator(world.person("alice").await.log_in().await.unwrap());
    let mut trail = Trail::from_now_on(&world).await.knowing(&["alice"]).await;
    for _ in 0..8 {
        assert_eq!(reason(alice.roles(0, "").await), PermissionMissing);
    }
    assert_eq!(reason(alice.get("x").await), PermissionMissing);
    let lines = trail.lines().await;
    assert_eq!(lines, ["authz_fail denied alice>- PERMISSION_MISSING"; 6], "five of one RPC, one of another");
    world.wait(Duration::minutes(6));
    assert_eq!(reason(alice.0.change_email("alina@example.com").await), StepUpRequired);
    let [event] = &trail.events().await[..] else { panic!("one event is expected") };
    assert_eq!(event.event.reason, "STEP_UP_REQUIRED");
    assert_eq!(event.event.details["rpc"], "/ipse.v1.AccountService/ChangeEmail");
}

/// Denials that only the use case, or the reading of the request, can decide.
async fn denials_within_a_call(world: World) {
    let (root, device) = (Operator::root(&world).await, world.person("alice").await.log_in().await.unwrap());
    let maker = root.create("maker", &["roles.write"]).await.unwrap();
    let alice = Operator(device);
    root.grant(&maker.id, &alice.id().await).await.unwrap();
    let mut trail = Trail::from_now_on(&world).await.knowing(&["alice"]).await;
    assert_eq!(reason(alice.create("more", &["roles.write", "users.purge"]).await), PermissionMissing);
    assert_eq!(reason(alice.0.update(User::default(), &["state"]).await), PermissionMissing);
    let events = trail.events().await;
    let told: Vec<_> = events
        .iter()
        .map(|event| (event.event.details["rpc"].as_str(), event.event.details["permission"].as_str()))
        .collect();
    let expected =
        [("/ipse.v1.RoleService/CreateRole", "users.purge"), ("/ipse.v1.AccountService/UpdateMe", "users.write")];
    assert_eq!(told, expected);
}

/// What the trail tells next, which nobody waits for who is refused.
async fn next_lines(trail: &mut Trail<'_>) -> Vec<String> {
    loop {
        let lines = trail.lines().await;
        if !lines.is_empty() {
            return lines;
        }
        tokio::task::yield_now().await;
    }
}

async fn tokens_that_are_none_are_told_of_a_few_times_an_hour(world: World) {
    let phone = world.person("alice").await.log_in().await.unwrap();
    let mut trail = Trail::from_now_on(&world).await;
    let forged = phone.bearing("x.y.z");
    for _ in 0..5 {
        for _ in 0..10 {
            assert_eq!(reason(forged.me().await), TokenInvalid);
        }
        assert_eq!(next_lines(&mut trail).await, ["authn_token_invalid failure ->- TOKEN_INVALID"]);
        world.wait(Duration::minutes(10));
    }
    // Neither more of them nor a token that has merely expired, which is nobody's attack.
    assert_eq!(reason(forged.me().await), TokenInvalid);
    assert_eq!(reason(phone.me().await), TokenExpired);
    world.wait(Duration::minutes(10));
    assert_eq!(reason(forged.me().await), TokenInvalid);
    assert_eq!(next_lines(&mut trail).await, ["authn_token_invalid failure ->- TOKEN_INVALID"]);
}

async fn calls_for_which_there_is_no_room_are_told_of(world: World) {
    let world = world.restart_with(&["MAX_IN_FLIGHT=1"]).await;
    let alice = world.person("alice").await;
    let mut trail = Trail::from_now_on(&world).await;
    let mut lock = world.lock_writes().await;
    let (one, other) = (Box::pin(alice.log_in()), Box::pin(alice.log_in()));
    let (refused, in_work) = select(one, other).await.factor_first();
    assert_eq!(reason(refused), ServerOverloaded);
    lock.execute("ROLLBACK").await;
    in_work.await.unwrap();
    let overload = "sys_overload denied ->- SERVER_OVERLOADED";
    while !next_lines(&mut trail).await.iter().any(|line| line == overload) {}
}

async fn an_event_tells_where_the_call_came_from(world: World) {
    let device = world.person("alice").await.log_in().await.unwrap();
    let bearer = format!("Bearer {}", device.tokens.access_token);
    let mut trail = Trail::from_now_on(&world).await;
    let hostile = "a\"b\\c'; DROP TABLE audit_events; -- {\"level\":\"ERROR\"} \u{fc}".repeat(8);
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let headers: [(&str, &[u8]); 5] = [
        ("authorization", bearer.as_bytes()),
        ("x-forwarded-for", b"2001:db8::7"),
        ("user-agent", b"a\"b\\c'; DROP TABLE audit_events; -- {\"level\":\"ERROR\"}"),
        ("x-request-id", b"my-own.id_7"),
        ("traceparent", trace.as_bytes()),
    ];
    let path = "/ipse.v1.RoleService/ListRoles";
    let send = async |headers: &[(&str, &[u8])]| {
        let call = Call::new(path, b"").with(headers).send(world.replica().address).await.unwrap();
        assert_eq!(reason(call.result()), PermissionMissing);
    };
    send(&headers).await;
    let mut others = headers;
    others[2].1 = hostile.as_bytes();
    others[4].1 = b"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01";
    send(&others).await;
    let [first, second] = &trail.events().await[..] else { panic!("two events are expected") };
    let (origin, other) = (first.event.origin.as_ref().unwrap(), second.event.origin.as_ref().unwrap());
    assert_eq!(origin.client.ip_address.to_string(), "2001:db8::7");
    assert_eq!(origin.client.user_agent.as_bytes(), headers[2].1);
    assert_eq!((origin.request_id.as_str(), origin.trace_id.as_str()), ("my-own.id_7", &trace[3..35]));
    // What is not plain text is no user agent, and a malformed trace is none.
    assert_eq!((other.client.user_agent.as_str(), other.trace_id.as_str()), ("", ""));
}
