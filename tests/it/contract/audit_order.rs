//! Whoever follows the audit trail gets every event, in the order of their numbers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ipse::application::ports::{Position, Store, Transaction};
use ipse::domain::audit::AuditEvent;
use ipse::domain::audit::filter::AuditFilter;
use ipse::domain::id::AuditEventId;

use super::samples::{at, event, event_id, user};
use super::{Fixture, in_parallel};
use crate::support::database::Backend;
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    events_come_in_order_and_once
    a_position_skips_what_was_before
    what_is_not_committed_does_not_come
    nothing_overtakes_an_event_that_may_still_come
    what_was_rolled_back_is_not_waited_for
    erased_events_are_not_waited_for
    one_gap_after_another_is_passed
    a_follower_of_many_parallel_writers_misses_none
}

async fn insert(tx: &dyn Transaction, number: u32) {
    tx.audit_events().insert_audit_event(event_id(number), at(0), &event(number)).await.unwrap();
}

async fn commit_event(fixture: &Fixture, number: u32) {
    let tx = fixture.write().await;
    insert(tx.as_ref(), number).await;
    tx.commit().await.unwrap();
}

async fn commit_events(fixture: &Fixture, numbers: impl IntoIterator<Item = u32>) {
    for number in numbers {
        commit_event(fixture, number).await;
    }
}

/// What comes next, as the numbers of the events themselves, not those of their places.
async fn follow(fixture: &Fixture, position: &mut Position, limit: i64) -> Vec<u32> {
    let events = fixture.read().await.audit_events().follow_audit_events(position, limit).await.unwrap();
    assert!(events.is_sorted_by(|a, b| a.sequence < b.sequence));
    let number = |event: &AuditEvent| (0..1000).find(|number| event_id(*number) == event.id);
    events.iter().map(|event| number(event).unwrap()).collect()
}

async fn events_come_in_order_and_once(fixture: Fixture) {
    commit_events(&fixture, 1..=5).await;
    let mut position = Position::default();
    assert_eq!(follow(&fixture, &mut position, 3).await, [1, 2, 3]);
    assert_eq!(follow(&fixture, &mut position, 3).await, [4, 5]);
    assert_eq!(follow(&fixture, &mut position, 3).await, [0; 0]);
    commit_event(&fixture, 6).await;
    assert_eq!(follow(&fixture, &mut position, 3).await, [6]);
    assert_eq!(position, Position::after(6));
}

async fn a_position_skips_what_was_before(fixture: Fixture) {
    commit_events(&fixture, 1..=3).await;
    assert_eq!(follow(&fixture, &mut Position::after(2), 9).await, [3]);
    assert_eq!(follow(&fixture, &mut Position::after(99), 9).await, [0; 0]);
}

async fn what_is_not_committed_does_not_come(fixture: Fixture) {
    let mut position = Position::default();
    let mut open = fixture.write().await;
    insert(open.as_mut(), 1).await;
    assert_eq!(follow(&fixture, &mut position, 9).await, [0; 0]);
    open.commit().await.unwrap();
    assert_eq!(follow(&fixture, &mut position, 9).await, [1]);
}

/// A transaction that holds a number while a later number is committed by one that began before or after it. SQLite has
/// one writer, so nothing can overtake there.
async fn open_and_overtaken(fixture: &Fixture, overtaker_is_first: bool) -> Box<dyn Transaction> {
    if fixture.database.backend == Backend::Sqlite {
        let mut open = fixture.write().await;
        insert(open.as_mut(), 2).await;
        return open;
    }
    let mut overtaker = fixture.write().await;
    if overtaker_is_first {
        overtaker.users().insert_user(&user(1)).await.unwrap();
    }
    let mut open = fixture.write().await;
    insert(open.as_mut(), 2).await;
    insert(overtaker.as_mut(), 3).await;
    overtaker.commit().await.unwrap();
    open
}

async fn nothing_overtakes_an_event_that_may_still_come(fixture: Fixture) {
    for overtaker_is_first in [false, true] {
        let mut position = Position::after(newest(&fixture).await);
        commit_event(&fixture, 1).await;
        let open = open_and_overtaken(&fixture, overtaker_is_first).await;
        assert_eq!(follow(&fixture, &mut position, 9).await, [1]);
        for _ in 0..3 {
            assert_eq!(follow(&fixture, &mut position, 9).await, [0; 0], "{overtaker_is_first}");
        }
        open.commit().await.unwrap();
        let rest = if fixture.database.backend == Backend::Sqlite { vec![2] } else { vec![2, 3] };
        assert_eq!(follow(&fixture, &mut position, 9).await, rest, "{overtaker_is_first}");
        assert_eq!(position.unsettled, []);
    }
}

async fn newest(fixture: &Fixture) -> i64 {
    let events =
        fixture.read().await.audit_events().list_audit_events(&AuditFilter::default(), (None, 1)).await.unwrap();
    events.first().map_or(0, |event| event.sequence)
}

async fn what_was_rolled_back_is_not_waited_for(fixture: Fixture) {
    for overtaker_is_first in [false, true] {
        let mut position = Position::after(newest(&fixture).await);
        let open = open_and_overtaken(&fixture, overtaker_is_first).await;
        assert_eq!(follow(&fixture, &mut position, 9).await, [0; 0]);
        drop(open);
        fixture.settle().await;
        commit_event(&fixture, 4).await;
        let rest = if fixture.database.backend == Backend::Sqlite { vec![4] } else { vec![3, 4] };
        assert_eq!(follow(&fixture, &mut position, 9).await, rest, "{overtaker_is_first}");
    }
}

async fn erased_events_are_not_waited_for(fixture: Fixture) {
    commit_events(&fixture, 1..=4).await;
    fixture.execute("DELETE FROM audit_events WHERE sequence IN (1, 3)").await;
    assert_eq!(follow(&fixture, &mut Position::default(), 9).await, [2, 4]);
}

async fn one_gap_after_another_is_passed(fixture: Fixture) {
    commit_events(&fixture, 1..=20).await;
    fixture.execute("DELETE FROM audit_events WHERE sequence % 2 = 1").await;
    let mut position = Position::default();
    let mut all = Vec::new();
    for _ in 0..10 {
        all.extend(follow(&fixture, &mut position, 3).await);
    }
    assert_eq!(all, (1..=10).map(|half| 2 * half).collect::<Vec<_>>());
}

async fn a_follower_of_many_parallel_writers_misses_none(fixture: Fixture) {
    let is_over = Arc::new(AtomicBool::new(false));
    let follower = tokio::spawn(collect(fixture.store.clone(), is_over.clone()));
    let committed = in_parallel(&fixture.store, 4, |store, writer| async move {
        let mut committed = Vec::new();
        for round in 0..50 {
            let number = writer * 100 + round;
            let tx = store.write().await.unwrap();
            insert(tx.as_ref(), number).await;
            tokio::task::yield_now().await;
            // Every seventh is rolled back.
            if number % 7 != 0 {
                tx.commit().await.unwrap();
                committed.push(event_id(number));
            }
        }
        committed
    });
    let mut committed = committed.await.concat();
    is_over.store(true, Ordering::SeqCst);
    let mut followed = follower.await.unwrap();
    committed.sort();
    followed.sort();
    assert_eq!(followed, committed);
}

/// Follows the trail until it is over and nothing more comes; the ids of what came.
async fn collect(store: Arc<dyn Store>, is_over: Arc<AtomicBool>) -> Vec<AuditEventId> {
    let (mut position, mut ids, mut last) = (Position::default(), Vec::new(), 0);
    loop {
        let was_over = is_over.load(Ordering::SeqCst);
        let tx = store.read().await.unwrap();
        let events = tx.audit_events().follow_audit_events(&mut position, 10).await.unwrap();
        drop(tx);
        for event in &events {
            assert!(event.sequence > last, "{} after {last}", event.sequence);
            last = event.sequence;
            ids.push(event.id);
        }
        // What was rolled back by dropping may take a moment to end.
        if was_over && events.is_empty() && position.unsettled.is_empty() {
            return ids;
        }
        tokio::task::yield_now().await;
    }
}
