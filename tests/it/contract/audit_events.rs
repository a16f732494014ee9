use ipse::domain::Timestamp;
use ipse::domain::audit::filter::AuditFilter;
use ipse::domain::audit::{AuditEvent, AuditType, Event, Outcome};
use ipse::domain::session::client::Client;
use ipse::domain::session::origin::Origin;
use time::macros::datetime;

use super::Fixture;
use super::samples::{HOSTILE, TICK, at, event, event_id, user};
use crate::support::database::Backend;
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    an_event_comes_back_with_nothing_missing
    an_event_without_a_caller_comes_back
    pages_go_from_the_newest_to_the_oldest
    a_list_holds_what_the_filter_says
    stored_events_stay_as_they_are
    old_events_are_erased_oldest_first_and_young_ones_stay
    numbers_are_never_used_again
}

/// A time that is far in the future of the database's own clock.
const TOMORROW: Timestamp = datetime!(2226-03-01 12:00 UTC);

/// Stores events, numbered from 1, as many seconds after the beginning as their numbers say.
async fn put(fixture: &Fixture, events: impl IntoIterator<Item = Event>) {
    put_at(fixture, (1..).zip(events).map(|(number, event)| (at(number), event))).await;
}

async fn put_at(fixture: &Fixture, events: impl IntoIterator<Item = (Timestamp, Event)>) {
    let tx = fixture.write().await;
    for (number, (time, event)) in (1..).zip(events) {
        tx.audit_events().insert_audit_event(event_id(number), time, &event).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn list(fixture: &Fixture, filter: &str) -> Vec<AuditEvent> {
    let Ok(filter) = AuditFilter::parse(filter) else { panic!("no filter: {filter}") };
    fixture.read().await.audit_events().list_audit_events(&filter, (None, 1000)).await.unwrap()
}

async fn sequences(fixture: &Fixture, filter: &str) -> Vec<i64> {
    list(fixture, filter).await.iter().map(|event| event.sequence).collect()
}

async fn purge(fixture: &Fixture, before: Timestamp, limit: i64) -> usize {
    let tx = fixture.write().await;
    let count = tx.audit_events().purge_audit_events(before, limit).await.unwrap();
    tx.commit().await.unwrap();
    count
}

async fn an_event_comes_back_with_nothing_missing(fixture: Fixture) {
    let client = Client::new("2001:db8::ffff:1".parse().unwrap(), HOSTILE);
    let trace_id = "0af7651916cd43dd8448eb211c80319c".to_owned();
    let origin = Origin { client, request_id: "r-1._".to_owned(), trace_id };
    let stored = Event::by_person(user(1).id, &origin, AuditType::AccessDenied)
        .on(HOSTILE)
        .denied(HOSTILE)
        .with("permission", HOSTILE)
        .with(HOSTILE, "");
    put_at(&fixture, [(at(0), stored.clone())]).await;
    assert_eq!(list(&fixture, "").await, [AuditEvent { sequence: 1, id: event_id(1), time: at(0), event: stored }]);
}

async fn an_event_without_a_caller_comes_back(fixture: Fixture) {
    put(&fixture, [Event::by_system(AuditType::UserPurged).on(user(1).id), event(2)]).await;
    let [_, stored] = &list(&fixture, "").await[..] else { panic!("two events were stored") };
    assert_eq!((stored.event.actor.as_str(), &stored.event.origin), ("system", &None));
    assert_eq!(stored.event.outcome, Outcome::Success);
}

async fn pages_go_from_the_newest_to_the_oldest(fixture: Fixture) {
    put(&fixture, (1..=5).map(event)).await;
    let tx = fixture.read().await;
    let page = async |below, limit| {
        let events = tx.audit_events().list_audit_events(&AuditFilter::default(), (below, limit)).await.unwrap();
        events.iter().map(|event| event.sequence).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 2).await, [5, 4]);
    assert_eq!(page(Some(4), 2).await, [3, 2]);
    assert_eq!(page(Some(2), 2).await, [1]);
    assert_eq!(page(Some(1), 2).await, [0_i64; 0]);
}

async fn a_list_holds_what_the_filter_says(fixture: Fixture) {
    let sign_in = Event { kind: AuditType::LoginSucceeded, ..event(1) };
    let failed = Event::anonymous(event(1).origin.as_ref().unwrap(), AuditType::LoginFailed).failed("PASSWORD_WRONG");
    let denied = Event { kind: AuditType::AccessDenied, ..event(2) }.denied("PERMISSION_MISSING");
    put(&fixture, [sign_in, failed.on(user(1).id), denied, Event::by_system(AuditType::UserPurged)]).await;
    let (one, two) = (user(1).id, user(2).id);
    for (filter, expected) in [
        (String::new(), vec![4, 3, 2, 1]),
        ("type = authn_login_fail".to_owned(), vec![2]),
        ("type = authn_*".to_owned(), vec![2, 1]),
        ("type != authn_login_fail".to_owned(), vec![4, 3, 1]),
        ("type = user_created".to_owned(), vec![]),
        ("type = user_purged type = authz_fail".to_owned(), vec![]),
        ("outcome = SUCCESS".to_owned(), vec![4, 1]),
        ("outcome != SUCCESS".to_owned(), vec![3, 2]),
        (format!("actor = {one}"), vec![1]),
        ("actor = system".to_owned(), vec![4]),
        ("actor = ''".to_owned(), vec![2]),
        (format!("actor = {one} actor = {two}"), vec![]),
        (format!("subject = {one}"), vec![2, 1]),
        (format!("subject = {two} outcome = DENIED"), vec![3]),
        ("time > 2026-03-01T00:00:01.999999Z".to_owned(), vec![4, 3]),
        ("time >= 2026-03-01T00:00:01.999999Z".to_owned(), vec![4, 3, 2]),
        ("time < 2026-03-01T00:00:01.999999Z".to_owned(), vec![1]),
        ("time <= 2026-03-01T00:00:01.999999Z time > 2026-03-01T00:00:01Z".to_owned(), vec![2]),
        ("time = 2026-03-01T00:00:01.999999Z".to_owned(), vec![2]),
    ] {
        assert_eq!(sequences(&fixture, &filter).await, expected, "{filter}");
    }
}

/// The events of a database that somebody else changes.
async fn stored_events_stay_as_they_are(fixture: Fixture) {
    put_at(&fixture, [(at(0), event(1)), (TOMORROW, event(2))]).await;
    let before = list(&fixture, "").await;
    let mut attempts = vec![
        "UPDATE audit_events SET reason = 'x'",
        "DELETE FROM audit_events WHERE sequence = 2",
        "DELETE FROM audit_events",
    ];
    if fixture.database.backend == Backend::Postgres {
        attempts.push("TRUNCATE audit_events");
    }
    for attempt in attempts {
        let refused = fixture.database.outsider().await.try_execute(attempt).await.unwrap_err();
        assert!(refused.contains("audit events are kept as they are"), "{attempt}: {refused}");
    }
    assert_eq!(list(&fixture, "").await, before);
}

async fn old_events_are_erased_oldest_first_and_young_ones_stay(fixture: Fixture) {
    let times = [at(3), at(1), at(2), at(4), TOMORROW, TOMORROW + TICK];
    put_at(&fixture, times.into_iter().map(|time| (time, event(1)))).await;
    assert_eq!(purge(&fixture, at(1), 10).await, 0);
    assert_eq!(purge(&fixture, at(4), 2).await, 2);
    assert_eq!(sequences(&fixture, "").await, [6, 5, 4, 1]);
    assert_eq!(purge(&fixture, at(4), 10).await, 1);
    assert_eq!(purge(&fixture, TOMORROW + TICK, 10).await, 1, "the young ones stay, whatever is asked for");
    assert_eq!(sequences(&fixture, "").await, [6, 5]);
}

async fn numbers_are_never_used_again(fixture: Fixture) {
    put(&fixture, [event(1), event(2)]).await;
    assert_eq!(purge(&fixture, TOMORROW, 10).await, 2);
    put(&fixture, [event(3)]).await;
    assert_eq!(sequences(&fixture, "").await, [3]);
}
