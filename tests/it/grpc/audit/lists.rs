//! Listing the trail.

use ipse::proto::AuditOutcome;
use ipse::proto::ErrorReason::{FieldInvalid, PageTokenInvalid, PermissionMissing};
use prost_types::value::Kind;

use crate::support::auditor::Auditor;
use crate::support::on_both_backends;
use crate::support::refusal::{reason, refusal};
use crate::support::world::{START, World};

on_both_backends! {
    World::start =>
    an_event_is_shown_with_all_there_is_to_it
    lists_come_page_by_page_from_the_newest_on
    a_page_token_is_good_for_its_filter_only
    filters_choose_what_is_listed
    what_is_no_filter_is_refused
    only_those_who_may_read_the_trail
}

async fn an_event_is_shown_with_all_there_is_to_it(world: World) {
    let (auditor, alice) = (Auditor::new(&world).await, world.person("alice").await);
    let device = alice.log_in().await.unwrap();
    let id = device.me().await.unwrap().user.unwrap().id;
    let [event] = &auditor.list(&format!("subject = {id} type = authn_login_*")).await.unwrap()[..] else {
        panic!("one sign-in is expected");
    };
    assert_eq!(event.id.len(), 36);
    assert!(event.sequence > 0);
    assert_eq!(event.time.unwrap().seconds, START.unix_timestamp());
    assert_eq!((event.r#type.as_str(), event.outcome()), ("authn_login_success", AuditOutcome::Success));
    assert_eq!((&event.actor, &event.subject, event.reason.as_str()), (&id, &id, ""));
    assert_eq!((event.ip_address.as_str(), event.trace_id.as_str()), ("203.0.113.1", ""));
    assert!(event.user_agent.starts_with("tonic/"), "{}", event.user_agent);
    assert_eq!(event.request_id.len(), 32);
    let session = &event.details.as_ref().unwrap().fields["session_id"].kind;
    assert_eq!(session, &Some(Kind::StringValue(device.tokens.session_id.clone())));
    let [key] = &auditor.list("type = signing_key_created").await.unwrap()[..] else { panic!("one key was made") };
    assert_eq!((key.actor.as_str(), key.ip_address.as_str(), key.request_id.as_str()), ("system", "", ""));
}

async fn lists_come_page_by_page_from_the_newest_on(world: World) {
    let auditor = Auditor::new(&world).await;
    for name in ["alice", "bob", "carol"] {
        world.person(name).await;
    }
    let all: Vec<i64> = auditor.list("").await.unwrap().iter().map(|event| event.sequence).collect();
    assert!(all.len() >= 10 && all.is_sorted_by(|a, b| a > b), "{all:?}");
    let (mut paged, mut token) = (Vec::new(), String::new());
    loop {
        let (events, next) = auditor.page("", 3, &token).await.unwrap();
        assert!(events.len() == 3 || next.is_empty());
        paged.extend(events.iter().map(|event| event.sequence));
        token = next;
        // What happens meanwhile changes no later page.
        world.stranger("nobody").log_in().await.unwrap_err();
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(paged, all);
}

async fn a_page_token_is_good_for_its_filter_only(world: World) {
    let auditor = Auditor::new(&world).await;
    world.person("alice").await;
    let (_, token) = auditor.page("outcome = SUCCESS", 1, "").await.unwrap();
    auditor.page("outcome = SUCCESS", 1, &token).await.unwrap();
    assert_eq!(reason(auditor.page("", 1, &token).await), PageTokenInvalid);
    assert_eq!(reason(auditor.page("outcome != SUCCESS", 1, &token).await), PageTokenInvalid);
}

async fn filters_choose_what_is_listed(world: World) {
    let auditor = Auditor::new(&world).await;
    let alice = world.person("alice").await;
    alice.guess().await.unwrap_err();
    world.wait(time::Duration::minutes(10));
    alice.guess().await.unwrap_err();
    world.stranger("nobody").log_in().await.unwrap_err();
    let count = async |filter: &str| auditor.list(filter).await.unwrap().len();
    assert_eq!(count("type = authn_login_fail").await, 3);
    assert_eq!(count("type = authn_login_fail AND time > 2026-03-01T12:05:00Z").await, 2);
    assert_eq!(count("type = authn_login_fail subject = ''").await, 1);
    assert_eq!(count("outcome = FAILURE time < 2026-03-01T12:05:00Z").await, 1);
    assert_eq!(count("outcome = DENIED").await, 0);
    assert_eq!(count("actor = system").await, 1);
}

async fn what_is_no_filter_is_refused(world: World) {
    let auditor = Auditor::new(&world).await;
    for filter in ["alice", "email = a@example.com", "type = nothing", "outcome = success", "time > now", "a OR b"] {
        let refused = refusal(auditor.list(filter).await);
        assert_eq!((refused.reason, refused.fields), (FieldInvalid, vec!["filter".to_owned()]), "{filter}");
    }
    assert_eq!(reason(auditor.page("", -1, "").await), FieldInvalid);
}

async fn only_those_who_may_read_the_trail(world: World) {
    let support = Auditor(world.person_with_role("support", "support").await);
    let refused = refusal(support.list("").await);
    assert_eq!((refused.reason, refused.metadata["permission"].as_str()), (PermissionMissing, "audit.read"));
    assert_eq!(reason(support.watch(0).await.map(|_| ())), PermissionMissing);
}
