//! What a token stands for.

use ipse::proto::ErrorReason::{FieldInvalid, PermissionMissing, TokenMissing};
use ipse::proto::{IntrospectTokenRequest, IntrospectTokenResponse, LoginRequest, RevokeTokenRequest, SubjectKind};
use prost::Message as _;
use serde_json::json;
use time::Duration;

use crate::support::forge::Key;
use crate::support::guard::Guard;
use crate::support::on_both_backends;
use crate::support::operator::Operator;
use crate::support::refusal::reason;
use crate::support::token;
use crate::support::wire::{Answer, Call};
use crate::support::world::{AUDIENCE, ISSUER, START, World};

on_both_backends! {
    World::start =>
    a_good_token_is_told_in_full
    a_token_is_good_for_its_own_audience
    of_a_limited_token_the_scope_is_told_and_no_roles
    roles_are_those_of_now
    whatever_is_wrong_the_answer_is_the_same
    only_those_with_the_permission_may_ask
    a_revocation_answers_alike_whatever_it_was_given
}

const INTROSPECT: &str = "/ipse.v1.TokenService/IntrospectToken";

async fn a_good_token_is_told_in_full(world: World) {
    let guard = Guard::new(&world).await;
    let phone = world.person_with_role("alice", "auditor").await;
    let (_, claims) = token::read(&phone.tokens.access_token);
    for _ in 0..2 {
        let found = guard.introspect(&phone.tokens.access_token).await.unwrap();
        let expected = IntrospectTokenResponse {
            active: true,
            subject: claims["sub"].as_str().unwrap().to_owned(),
            kind: SubjectKind::User.into(),
            session_id: phone.tokens.session_id.clone(),
            scopes: vec![],
            roles: vec!["auditor".to_owned()],
            acr: "urn:ipse:aal:1".to_owned(),
            amr: vec!["pwd".to_owned()],
            auth_time: Some(seconds(START.unix_timestamp())),
            issue_time: Some(seconds(claims["iat"].as_i64().unwrap())),
            expire_time: Some(seconds(claims["exp"].as_i64().unwrap())),
        };
        assert_eq!(found, expected);
        // The second time from memory.
        world.look().await;
    }
}

fn seconds(seconds: i64) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds, nanos: 0 }
}

async fn a_token_is_good_for_its_own_audience(world: World) {
    let (guard, alice) = (Guard::new(&world).await, world.person("alice").await);
    let identifier = alice.email.clone();
    let request = LoginRequest { identifier, audience: AUDIENCE.to_owned(), ..LoginRequest::default() };
    let (there, own) = (alice.log_in_with(request).await.unwrap(), alice.log_in().await.unwrap());
    for (device, audience, is_good) in [
        (&there, "", true),
        (&there, AUDIENCE, true),
        (&there, ISSUER, false),
        (&there, "other", false),
        (&own, "", true),
        (&own, AUDIENCE, false),
        (&own, ISSUER, true),
    ] {
        let found = guard.introspect_for(audience, &device.tokens.access_token).await.unwrap();
        assert_eq!(found.active, is_good, "{audience}");
        assert!(is_good || found == IntrospectTokenResponse::default());
    }
}

async fn of_a_limited_token_the_scope_is_told_and_no_roles(world: World) {
    let guard = Guard::new(&world).await;
    let phone = world.person_with_role("alice", "auditor").await;
    let (header, mut claims) = token::read(&phone.tokens.access_token);
    claims.as_object_mut().unwrap().remove("roles");
    claims["scope"] = json!("orders.* users.read");
    let limited = Key::of(&world).await.sign(header.to_string(), claims.to_string());
    for _ in 0..2 {
        let found = guard.introspect(&limited).await.unwrap();
        assert_eq!(
            (found.active, found.scopes, found.roles),
            (true, vec!["orders.*".into(), "users.read".into()], vec![])
        );
        world.look().await;
    }
}

async fn roles_are_those_of_now(world: World) {
    let (guard, root) = (Guard::new(&world).await, Operator::root(&world).await);
    let phone = world.person("alice").await.log_in().await.unwrap();
    let id = Operator(phone.clone()).id().await;
    let other = world.another_replica().await;
    let roles = async |guard: &Guard<'_>| guard.introspect(&phone.tokens.access_token).await.unwrap().roles;
    let far = guard.through(&other.channel);
    world.look().await;
    other.look().await;
    let desk = root.create("desk", &["orders.*"]).await.unwrap();
    assert_eq!((roles(&guard).await, roles(&far).await), (vec![], vec![]));
    root.grant(&desk.id, &id).await.unwrap();
    assert_eq!(roles(&guard).await, ["desk"], "at once where it was granted");
    assert!(roles(&far).await.is_empty(), "memory is a second old at the most");
    other.look().await;
    assert_eq!(roles(&far).await, ["desk"]);
    let renamed = ipse::proto::Role { name: "counter".to_owned(), ..desk.clone() };
    root.update(renamed, &["name"]).await.unwrap();
    assert_eq!(roles(&guard).await, ["counter"]);
    root.revoke(&desk.id, &id).await.unwrap();
    assert!(roles(&guard).await.is_empty());
    assert_eq!(roles(&far).await, ["desk"]);
    other.look().await;
    assert!(roles(&far).await.is_empty());
    other.stop().await;
}

async fn ask(world: &World, guard: &Guard<'_>, token: &str, audience: &str) -> Answer {
    let bearer = format!("Bearer {}", guard.0.tokens.access_token);
    let headers: [(&str, &[u8]); 2] = [("authorization", bearer.as_bytes()), ("x-request-id", b"the-same")];
    let request = IntrospectTokenRequest { token: token.to_owned(), audience: audience.to_owned() };
    Call::new(INTROSPECT, &request.encode_to_vec()).with(&headers).send(world.replica().address).await.unwrap()
}

/// The token with another letter in the middle of its signature.
fn with_another_signature(token: &str) -> String {
    let place = token.rfind('.').unwrap() + 40;
    let other = if token.as_bytes()[place] == b'A' { "B" } else { "A" };
    format!("{}{other}{}", &token[..place], &token[place + 1..])
}

async fn whatever_is_wrong_the_answer_is_the_same(world: World) {
    let alice = world.person("alice").await;
    let old = alice.log_in().await.unwrap();
    world.wait(Duration::hours(1));
    let guard = Guard::new(&world).await;
    let (good, ended, revoked) =
        (alice.log_in().await.unwrap(), alice.log_in().await.unwrap(), alice.log_in().await.unwrap());
    let bob = world.person("bob").await.log_in().await.unwrap();
    world.suspend("bob@example.com").await;
    ended.log_out().await.unwrap();
    alice.revoke_token(&revoked.tokens.access_token).await.unwrap();
    let (header, claims) = token::read(&good.tokens.access_token);
    let key = Key::of(&world).await;
    let mut foreign = claims.clone();
    foreign["iss"] = json!("https://other.example");
    let mut unknown = header.clone();
    unknown["kid"] = json!("unknown");
    let dead = [
        ("nonsense", "nonsense".to_owned()),
        ("expired", old.tokens.access_token.clone()),
        ("a refresh token", good.tokens.refresh_token.clone()),
        ("an API key", "ipse_01890a5dac96774bbcceb302099a8057_secret".to_owned()),
        ("of an ended session", ended.tokens.access_token.clone()),
        ("revoked", revoked.tokens.access_token.clone()),
        ("of another issuer", key.sign(header.to_string(), foreign.to_string())),
        ("of an unknown key", key.sign(unknown.to_string(), claims.to_string())),
        ("with a changed signature", with_another_signature(&good.tokens.access_token)),
        ("without a signature", good.tokens.access_token.rsplit_once('.').unwrap().0.to_owned()),
    ];
    let standard = ask(&world, &guard, &good.tokens.access_token, "other").await;
    assert_eq!(standard.body.as_ref(), [0; 5], "nothing is set");
    assert_eq!(ask(&world, &guard, &bob.tokens.access_token, "").await, standard, "of a suspended account");
    for _ in 0..2 {
        for (what, token) in &dead {
            assert_eq!(ask(&world, &guard, token, "").await, standard, "{what}");
        }
        assert_ne!(ask(&world, &guard, &good.tokens.access_token, "").await, standard);
        world.look().await;
    }
}

async fn only_those_with_the_permission_may_ask(world: World) {
    let phone = world.person("alice").await.log_in().await.unwrap();
    let mut client = Guard(phone.clone()).client();
    let request = IntrospectTokenRequest { token: phone.tokens.access_token.clone(), audience: String::new() };
    assert_eq!(reason(client.introspect_token(request).await), TokenMissing);
    let guard = Guard(phone);
    assert_eq!(reason(guard.introspect("x").await), PermissionMissing);
    assert_eq!(reason(guard.watch("").await.map(|_| ())), PermissionMissing);
    let guard = Guard::new(&world).await;
    assert_eq!(reason(guard.introspect("").await), FieldInvalid);
}

async fn a_revocation_answers_alike_whatever_it_was_given(world: World) {
    let phone = world.person("alice").await.log_in().await.unwrap();
    let tablet = world.stranger("alice").log_in().await.unwrap();
    let path = "/ipse.v1.TokenService/RevokeToken";
    let answer = async |token: &str| {
        world.answer(path, &RevokeTokenRequest { token: token.to_owned(), request_id: String::new() }).await
    };
    let standard = answer("nonsense").await;
    standard.result().unwrap();
    let (access, refresh) = (&phone.tokens.access_token, &phone.tokens.refresh_token);
    for token in [access, access, &tablet.tokens.refresh_token, refresh, refresh, &"a".repeat(8192)] {
        assert_eq!(answer(token).await, standard);
    }
    assert_eq!(reason(answer("").await.result()), FieldInvalid);
}
