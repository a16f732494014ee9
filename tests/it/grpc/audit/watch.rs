//! Watching the trail.

use std::collections::BTreeSet;
use std::sync::Arc;

use ipse::application::ports::Store;
use ipse::domain::audit::{AuditType, Event};
use ipse::domain::id::AuditEventId;
use ipse::proto::AuditEvent;
use ipse::proto::ErrorReason::{FieldInvalid, PermissionMissing, ShuttingDown, TokenInvalid};
use tokio::task::JoinSet;

use crate::support::auditor::Auditor;
use crate::support::database::Backend;
use crate::support::on_both_backends;
use crate::support::operator::Operator;
use crate::support::person::Person;
use crate::support::refusal::{Refusal, reason};
use crate::support::world::{START, World};

on_both_backends! {
    World::start =>
    what_was_comes_first_and_then_what_happens
    a_watch_goes_on_after_the_last_event
    every_replica_tells_of_all
    a_negative_sequence_is_refused
    a_lost_permission_ends_the_watch
    a_watch_outlives_its_access_token
    no_event_is_lost_or_told_twice_across_restarts
}

on_both_backends! {
    one_second =>
    an_ended_session_ends_the_watch_and_the_time_limit_of_calls_does_not
}

async fn one_second(backend: Backend) -> World {
    World::with(backend, &["REQUEST_TIMEOUT=1s"]).await
}

async fn what_was_comes_first_and_then_what_happens(world: World) {
    let auditor = Auditor::new(&world).await;
    let mut all = auditor.list("").await.unwrap();
    all.reverse();
    let mut watch = auditor.watch(0).await.unwrap();
    for event in &all {
        assert_eq!(&watch.next().await.unwrap(), event);
    }
    world.stranger("nobody").log_in().await.unwrap_err();
    let event = watch.next().await.unwrap();
    assert_eq!((event.r#type.as_str(), event.reason.as_str()), ("authn_login_fail", "IDENTIFIER_UNKNOWN"));
    assert!(event.sequence > all.last().unwrap().sequence);
}

async fn a_watch_goes_on_after_the_last_event(world: World) {
    let auditor = Auditor::new(&world).await;
    let newest = auditor.list("").await.unwrap()[0].sequence;
    world.stranger("nobody").log_in().await.unwrap_err();
    let mut watch = auditor.watch(newest).await.unwrap();
    let event = watch.next().await.unwrap();
    assert_eq!((event.r#type.as_str(), event.sequence > newest), ("authn_login_fail", true));
}

async fn every_replica_tells_of_all(world: World) {
    let auditor = Auditor::new(&world).await;
    let newest = auditor.list("").await.unwrap()[0].sequence;
    let other = world.another_replica().await;
    let mut watch = auditor.watch(newest).await.unwrap();
    world.stranger("nobody").through(&other.channel).log_in().await.unwrap_err();
    assert_eq!(watch.next().await.unwrap().r#type, "authn_login_fail");
}

async fn a_negative_sequence_is_refused(world: World) {
    let auditor = Auditor::new(&world).await;
    assert_eq!(reason(auditor.watch(-1).await.map(|_| ())), FieldInvalid);
}

async fn a_lost_permission_ends_the_watch(world: World) {
    let (auditor, root) = (Auditor::new(&world).await, Operator::root(&world).await);
    let watch = auditor.watch(0).await.unwrap();
    let role = "00000000-0000-7000-8000-000000000003";
    root.revoke(role, &Operator(auditor.0.clone()).id().await).await.unwrap();
    assert_eq!(reason(watch.end().await), PermissionMissing);
}

async fn an_ended_session_ends_the_watch_and_the_time_limit_of_calls_does_not(world: World) {
    let auditor = Auditor::new(&world).await;
    let watch = auditor.watch(0).await.unwrap();
    auditor.0.log_out().await.unwrap();
    assert_eq!(reason(watch.end().await), TokenInvalid);
}

async fn a_watch_outlives_its_access_token(world: World) {
    let auditor = Auditor::new(&world).await;
    let newest = auditor.list("").await.unwrap()[0].sequence;
    let mut watch = auditor.watch(newest).await.unwrap();
    world.wait(time::Duration::hours(1));
    for _ in 0..2 {
        world.stranger("nobody").log_in().await.unwrap_err();
        watch.next().await.unwrap();
    }
    world.wait(time::Duration::days(30));
    assert_eq!(reason(watch.end().await), TokenInvalid, "the session is over");
}

const WRITERS: u64 = 4;
const EVENTS: u64 = 60;

/// Writes events as other replicas would; some are rolled back. The ids of those that were committed.
async fn write(store: Arc<dyn Store>, writer: u64) -> BTreeSet<String> {
    let mut committed = BTreeSet::new();
    for number in 0..EVENTS {
        let mut entropy = [0; 10];
        entropy[2..].copy_from_slice(&(writer * 1000 + number).to_be_bytes());
        let id = AuditEventId::new(START, &entropy);
        let tx = store.write().await.unwrap();
        let event = Event::by_system(AuditType::UserPurged).on(number);
        tx.audit_events().insert_audit_event(id, START, &event).await.unwrap();
        tokio::task::yield_now().await;
        if number % 5 != 0 {
            tx.commit().await.unwrap();
            committed.insert(id.to_string());
        }
    }
    committed
}

async fn no_event_is_lost_or_told_twice_across_restarts(mut world: World) {
    let (token, newest) = {
        let auditor = Auditor::new(&world).await;
        (auditor.0.tokens.clone(), auditor.list("").await.unwrap()[0].sequence)
    };
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        writers.spawn(write(world.database.store().await, writer));
    }
    let mut told: Vec<AuditEvent> = Vec::new();
    let expected = usize::try_from(WRITERS * (EVENTS - EVENTS / 5)).unwrap();
    for round in 1..=3 {
        let after = told.last().map_or(newest, |event| event.sequence);
        let mut watch = {
            let device = Person::new(&world, "auditor").with_tokens(token.clone());
            Auditor(device).watch(after).await.unwrap()
        };
        // A third of the events in each round, and a stop in the middle of the stream.
        while told.len() < expected * round / 3 {
            told.push(watch.next().await.unwrap());
        }
        if round < 3 {
            world.replica().tell_to_stop();
            let end = loop {
                match watch.next().await {
                    Ok(event) => told.push(event),
                    Err(status) => break Refusal::of(&status).reason,
                }
            };
            assert_eq!(end, ShuttingDown);
            drop(watch);
            world = world.restart().await;
        }
    }
    let mut committed = BTreeSet::new();
    while let Some(written) = writers.join_next().await {
        committed.extend(written.unwrap());
    }
    assert!(told.is_sorted_by(|a, b| a.sequence < b.sequence));
    assert_eq!(told.len(), expected);
    assert_eq!(told.into_iter().map(|event| event.id).collect::<BTreeSet<_>>(), committed);
}
