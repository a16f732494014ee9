//! What Envoy is told about requests to services behind it.

use ipse::domain::audit::AuditType;
use ipse::proto::ErrorReason::{GatewayUnknown, RequestMalformed, RequestTooLarge, StorageUnavailable};
use ipse::proto::envoy::{AttributeContext, CheckRequest};
use ipse::proto::{ExchangeApiKeyRequest, LoginRequest};
use prost::Message as _;
use serde_json::json;
use time::Duration;

use crate::support::custodian::{Custodian, exchange};
use crate::support::forge::Key;
use crate::support::gateway::{CHECK, question, question_about, raw_question};
use crate::support::on_both_backends;
use crate::support::operator::Operator;
use crate::support::person::Device;
use crate::support::refusal::{reason, refusal};
use crate::support::token;
use crate::support::trail::Trail;
use crate::support::world::{AUDIENCE, ISSUER, START, World};

on_both_backends! {
    World::start =>
    only_gateways_may_ask
    who_brings_no_token_is_told_to
    a_good_token_says_who_calls
    the_clients_own_word_is_taken_away
    a_request_has_one_authorization_or_none
    a_right_counts_from_grant_to_revocation
    a_token_is_for_the_audience_of_the_route
    demands_that_make_no_sense_are_met_by_nobody
    a_limited_token_is_told_with_its_limits
    services_are_judged_as_people_are
    what_ends_a_token_ends_it_here
    denials_are_remembered_with_their_permission
    without_the_store_there_is_no_verdict
    a_question_of_128_kib_is_answered
    what_is_no_question_is_malformed
}

const READ: (&str, &str) = ("permission", "orders.read");

async fn person(world: &World) -> Device<'_> {
    world.person("alice").await.log_in().await.unwrap()
}

fn subject(device: &Device<'_>) -> String {
    token::read(&device.tokens.access_token).1["sub"].as_str().unwrap().to_owned()
}

/// Nobody else learns whose a token is, and what they may do.
async fn only_gateways_may_ask(world: World) {
    let world = world.restart_with(&["GATEWAYS=192.0.2.0/24"]).await;
    let token = person(&world).await.tokens.access_token;
    for question in [question_about(&token, &[]), question_about(&token, &[READ]), question(&[], &[])] {
        assert_eq!(reason(world.verdict(question).await), GatewayUnknown);
    }
    let world = world.restart_with(&["GATEWAYS=192.0.2.0/24,127.0.0.1"]).await;
    world.verdict(question_about(&token, &[])).await.unwrap().identity();
}

async fn who_brings_no_token_is_told_to(world: World) {
    for unknown in [
        CheckRequest::default(),
        CheckRequest { attributes: Some(AttributeContext::default()) },
        question(&[], &[]),
        question(&[("authorization", "Basic YWxpY2U6cGFzc3dvcmQ=")], &[READ]),
    ] {
        let verdict = world.verdict(unknown.clone()).await.unwrap();
        assert_eq!(verdict.refusal(), (401, "TOKEN_MISSING"), "{unknown:?}");
        let expected = r#"Refused(401, "TOKEN_MISSING", {"www-authenticate": "Bearer realm=\"ipse\""})"#;
        assert_eq!(format!("{verdict:?}"), expected);
    }
    let garbage = world.verdict(question_about("garbage", &[])).await.unwrap();
    assert_eq!(garbage.refusal(), (401, "TOKEN_INVALID"));
    assert!(format!("{garbage:?}").contains(r#"Bearer realm=\"ipse\", error=\"invalid_token\""#), "{garbage:?}");
}

async fn a_good_token_says_who_calls(world: World) {
    let phone = person(&world).await;
    let verdict = world.verdict(question_about(&phone.tokens.access_token, &[])).await.unwrap();
    let told: Vec<_> = verdict.identity().iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let (subject, time) = (subject(&phone), START.unix_timestamp().to_string());
    let mut expected = vec![
        ("x-ipse-acr", "urn:ipse:aal:1"),
        ("x-ipse-auth-time", time.as_str()),
        ("x-ipse-session", &phone.tokens.session_id),
        ("x-ipse-subject", &subject),
        ("x-ipse-subject-kind", "user"),
    ];
    assert_eq!(told, expected);
    for role in ["support", "auditor"] {
        world.give_role("alice@example.com", role).await;
    }
    let verdict = world.verdict(question_about(&phone.tokens.access_token, &[])).await.unwrap();
    let told: Vec<_> = verdict.identity().iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    expected.insert(2, ("x-ipse-roles", "auditor,support"));
    assert_eq!(told, expected, "roles are told as they are now");
}

async fn the_clients_own_word_is_taken_away(world: World) {
    let phone = person(&world).await;
    let bearer = format!("Bearer {}", phone.tokens.access_token);
    let alone = world.verdict(question(&[("authorization", &bearer)], &[])).await.unwrap();
    let headers = [
        ("authorization", bearer.as_str()),
        ("x-ipse-subject", "root"),
        ("x-ipse-roles", "administrator"),
        ("x-ipse-nothing", "x"),
        ("x_ipse_subject", "root"),
        ("X-Ipse_Session", "x"),
        ("x-ipse", "no header of ours"),
        ("cookie", "x-ipse-subject=root"),
    ];
    let raw: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    for spoofed in [question(&headers, &[]), raw_question(&raw, &[])] {
        let verdict = world.verdict(spoofed).await.unwrap();
        assert_eq!(verdict.identity(), alone.identity());
        let removed = r#"["x-ipse-nothing", "x-ipse-roles", "x-ipse-scope", "x-ipse_session", "x_ipse_subject"]"#;
        assert!(format!("{verdict:?}").ends_with(&format!("{removed})")), "{verdict:?}");
    }
}

async fn a_request_has_one_authorization_or_none(world: World) {
    let phone = person(&world).await;
    let good = format!("Bearer {}", phone.tokens.access_token);
    let raw = |values: &[&str]| {
        let headers: Vec<_> = values.iter().map(|value| ("authorization", value.as_bytes())).collect();
        raw_question(&headers, &[])
    };
    world.verdict(raw(&[&good])).await.unwrap().identity();
    world.verdict(question(&[("Authorization", &good)], &[])).await.unwrap().identity();
    for spaced in [good.replace(' ', "   "), format!("{good} "), format!("  {good}")] {
        world.verdict(raw(&[&spaced])).await.unwrap().identity();
        world.verdict(question(&[("authorization", &spaced)], &[])).await.unwrap().identity();
    }
    for repeated in [&[good.as_str(), good.as_str()][..], &[&good, "Bearer x"], &["Basic YTpi", &good], &[&good, ""]] {
        assert_eq!(world.verdict(raw(repeated)).await.unwrap().refusal(), (401, "TOKEN_MISSING"), "{repeated:?}");
    }
    for joined in [format!("{good}, {good}"), format!("{good},{good}"), format!("{good}, Bearer x")] {
        let verdict = world.verdict(question(&[("authorization", &joined)], &[])).await.unwrap();
        assert_eq!(verdict.refusal(), (401, "TOKEN_INVALID"), "{joined}");
    }
    let mut both = question(&[("authorization", &good)], &[]);
    let http = |question: &CheckRequest| question.attributes.clone().unwrap().request.unwrap().http.unwrap();
    let map = http(&raw(&[&good])).header_map;
    both.attributes.as_mut().unwrap().request.as_mut().unwrap().http.as_mut().unwrap().header_map = map;
    assert_eq!(world.verdict(both).await.unwrap().refusal(), (401, "TOKEN_MISSING"));
    let bytes = world.verdict(raw_question(&[("authorization", b"Bearer \xff")], &[])).await.unwrap();
    assert_eq!(bytes.refusal(), (401, "TOKEN_MISSING"));
}

async fn a_right_counts_from_grant_to_revocation(world: World) {
    let phone = person(&world).await;
    let root = Operator::root(&world).await;
    let clerk = root.create("clerk", &["orders.*"]).await.unwrap();
    let ask = || question_about(&phone.tokens.access_token, &[READ]);
    let refused = world.verdict(ask()).await.unwrap();
    assert_eq!(refused.refusal(), (403, "PERMISSION_MISSING"));
    assert!(format!("{refused:?}").contains(r#"error=\"insufficient_scope\", scope=\"orders.read\""#), "{refused:?}");
    root.grant(&clerk.id, &subject(&phone)).await.unwrap();
    assert_eq!(world.verdict(ask()).await.unwrap().identity()["x-ipse-roles"], "clerk");
    let other = question_about(&phone.tokens.access_token, &[("permission", "bills.read")]);
    assert_eq!(world.verdict(other).await.unwrap().refusal(), (403, "PERMISSION_MISSING"));
    root.revoke(&clerk.id, &subject(&phone)).await.unwrap();
    assert_eq!(world.verdict(ask()).await.unwrap(), refused);
}

async fn a_token_is_for_the_audience_of_the_route(world: World) {
    let alice = world.person("alice").await;
    let at_home = alice.log_in().await.unwrap();
    let identifier = alice.email.clone();
    let sign_in = LoginRequest { identifier, audience: AUDIENCE.to_owned(), ..LoginRequest::default() };
    let at_orders = alice.log_in_with(sign_in).await.unwrap();
    let ask = async |device: &Device<'_>, demands: &[(&str, &str)]| {
        world.verdict(question_about(&device.tokens.access_token, demands)).await.unwrap()
    };
    for device in [&at_home, &at_orders] {
        ask(device, &[]).await.identity();
    }
    for demands in [&[("audience", ISSUER)], &[("audience", "")]] {
        ask(&at_home, demands).await.identity();
        assert_eq!(ask(&at_orders, demands).await.refusal(), (401, "TOKEN_INVALID"));
    }
    ask(&at_orders, &[("audience", AUDIENCE)]).await.identity();
    assert_eq!(ask(&at_home, &[("audience", AUDIENCE)]).await.refusal(), (401, "TOKEN_INVALID"));
}

async fn demands_that_make_no_sense_are_met_by_nobody(world: World) {
    let root = world.administrator().await;
    for senseless in [
        &[("permission", "")][..],
        &[("permission", "orders")],
        &[("permission", "orders.*")],
        &[("permission", "*")],
        &[("permission", "orders.read, orders.write")],
        &[("permission", " orders.read")],
        &[("permision", "orders.read")],
        &[("Permission", "orders.read")],
        &[READ, ("role", "clerk")],
        &[("audience", "nobody")],
        &[READ, ("audience", "Orders")],
    ] {
        for token in [root.tokens.access_token.as_str(), "garbage"] {
            let verdict = world.verdict(question_about(token, senseless)).await.unwrap();
            assert_eq!(format!("{verdict:?}"), r#"Refused(500, "INTERNAL_ERROR", {})"#, "{senseless:?}");
        }
    }
}

async fn a_limited_token_is_told_with_its_limits(world: World) {
    let phone = world.administrator().await;
    let (header, mut claims) = token::read(&phone.tokens.access_token);
    claims.as_object_mut().unwrap().remove("roles");
    claims["scope"] = json!("bills.read orders.*");
    let limited = Key::of(&world).await.sign(header.to_string(), claims.to_string());
    let verdict = world.verdict(question_about(&limited, &[READ])).await.unwrap();
    assert_eq!(verdict.identity()["x-ipse-scope"], "bills.read orders.*");
    assert!(!verdict.identity().contains_key("x-ipse-roles"), "{verdict:?}");
    let beyond = world.verdict(question_about(&limited, &[("permission", "users.read")])).await.unwrap();
    assert_eq!(beyond.refusal(), (403, "PERMISSION_MISSING"), "even an administrator's");
}

async fn services_are_judged_as_people_are(world: World) {
    let root = Custodian::root(&world).await;
    root.operator().create("clerk", &["orders.*"]).await.unwrap();
    let program = root.program(&world, "clerk", &[]).await;
    let ask =
        async |token: &str, demands: &[(&str, &str)]| world.verdict(question_about(token, demands)).await.unwrap();
    let token = program.exchange().await.unwrap().access_token;
    let verdict = ask(&token, &[READ]).await;
    let told: Vec<_> = verdict.identity().iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let expected = [
        ("x-ipse-roles", "clerk"),
        ("x-ipse-session", &program.key.id),
        ("x-ipse-subject", &program.account.id),
        ("x-ipse-subject-kind", "service"),
    ];
    assert_eq!(told, expected);
    assert_eq!(ask(&token, &[("permission", "users.read")]).await.refusal(), (403, "PERMISSION_MISSING"));
    let limited = program.exchange_for(&["orders.read"]).await.unwrap().access_token;
    assert_eq!(ask(&limited, &[READ]).await.identity()["x-ipse-scope"], "orders.read");
    assert_eq!(ask(&limited, &[("permission", "orders.write")]).await.refusal(), (403, "PERMISSION_MISSING"));
    let (api_key, audience) = (program.secret.clone(), AUDIENCE.to_owned());
    let request = ExchangeApiKeyRequest { api_key, audience, ..ExchangeApiKeyRequest::default() };
    let elsewhere = exchange(&world, request).await.unwrap().access_token;
    ask(&elsewhere, &[READ, ("audience", AUDIENCE)]).await.identity();
    ask(&elsewhere, &[READ]).await.identity();
    let here = ask(&elsewhere, &[READ, ("audience", ISSUER)]).await;
    assert_eq!(here.refusal(), (401, "TOKEN_INVALID"), "for another service alone");
    assert_eq!(ask(&program.secret, &[]).await.refusal(), (401, "TOKEN_INVALID"), "a key is no token");
    root.revoke_key(&program.key.id).await.unwrap();
    assert_eq!(ask(&token, &[READ]).await.refusal(), (401, "TOKEN_INVALID"));
}

async fn what_ends_a_token_ends_it_here(world: World) {
    let alice = world.person("alice").await;
    let (phone, tablet) = (alice.log_in().await.unwrap(), alice.log_in().await.unwrap());
    let ask =
        async |device: &Device<'_>| world.verdict(question_about(&device.tokens.access_token, &[])).await.unwrap();
    phone.log_out().await.unwrap();
    assert_eq!(ask(&phone).await.refusal(), (401, "TOKEN_INVALID"));
    ask(&tablet).await.identity();
    world.wait(Duration::minutes(15));
    let expired = ask(&tablet).await;
    assert_eq!(expired.refusal(), (401, "TOKEN_EXPIRED"));
    assert!(format!("{expired:?}").contains(r#"error=\"invalid_token\""#), "{expired:?}");
    let tablet = tablet.refresh().await.unwrap();
    ask(&tablet).await.identity();
    world.suspend(&alice.email).await;
    assert_eq!(ask(&tablet).await.refusal(), (401, "TOKEN_INVALID"));
}

async fn denials_are_remembered_with_their_permission(world: World) {
    let phone = person(&world).await;
    let mut trail = Trail::from_now_on(&world).await.knowing(&["alice"]).await;
    for _ in 0..7 {
        world.verdict(question_about(&phone.tokens.access_token, &[READ])).await.unwrap().refusal();
        world.verdict(question_about("garbage", &[READ])).await.unwrap().refusal();
    }
    let mut events = trail.events().await;
    // What is no token is told of as well, whenever there is time for it.
    events.retain(|event| event.event.kind != AuditType::TokenRefused);
    assert_eq!(trail.tell(&events), ["authz_fail denied alice>- PERMISSION_MISSING"; 5]);
    for event in events {
        assert_eq!((&*event.event.details["rpc"], &*event.event.details["permission"]), (CHECK, READ.1));
    }
}

async fn without_the_store_there_is_no_verdict(world: World) {
    let phone = person(&world).await;
    let ask = || question_about(&phone.tokens.access_token, &[READ]);
    world.verdict(ask()).await.unwrap().refusal();
    let mut taken = Vec::new();
    while let Ok(connection) = world.store().read().await {
        taken.push(connection);
    }
    assert_eq!(reason(world.verdict(ask()).await), StorageUnavailable);
    drop(taken);
    world.verdict(ask()).await.unwrap().refusal();
}

async fn a_question_of_128_kib_is_answered(world: World) {
    let phone = person(&world).await;
    let sized = |size: usize| {
        let bearer = format!("Bearer {}", phone.tokens.access_token);
        let padded = |length| question(&[("authorization", &bearer), ("cookie", &"c".repeat(length))], &[]);
        let excess = padded(size).encoded_len() - size;
        let question = padded(size - excess);
        assert_eq!(question.encoded_len(), size);
        question
    };
    world.verdict(sized(128 * 1024)).await.unwrap().identity();
    let refused = refusal(world.verdict(sized(128 * 1024 + 1)).await);
    assert_eq!((refused.reason, &*refused.metadata["max_bytes"]), (RequestTooLarge, "131072"));
}

async fn what_is_no_question_is_malformed(world: World) {
    for bytes in [&b"\x0a\xff"[..], b"\x0a\x02\xc3\x28", b"\x08\x01"] {
        let call = crate::support::wire::Call::new(CHECK, bytes).send(world.replica().address).await.unwrap();
        assert_eq!(reason(call.result()), RequestMalformed, "{bytes:?}");
    }
}
