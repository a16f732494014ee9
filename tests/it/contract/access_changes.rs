//! Whoever follows the access changes gets every one, and every change of what tokens are worth is one.

mod made_by_others;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use ipse::application::ports::{ChangeSink, Position, RecordedChange, Store, Transaction};
use ipse::domain::Timestamp;
use ipse::domain::access::change::{AccessChange, TokenMarks};
use ipse::domain::id::TokenId;
use ipse::infrastructure::store;
use time::Duration;
use tokio::time::timeout;
use uuid::Uuid;

use super::samples::{TICK, at, session, user};
use super::{Fixture, in_parallel};
use crate::support::database::Backend;
use crate::support::{on_both_backends, postgres};

on_both_backends! {
    Fixture::new =>
    a_change_comes_back_once
    what_is_not_committed_does_not_come
    what_is_visible_comes_at_once_and_the_watermark_waits
    what_was_rolled_back_is_not_waited_for
    erased_changes_are_not_waited_for
    a_token_is_revoked_once
    a_token_is_void_by_what_names_it
    old_changes_are_erased
    a_follower_of_many_parallel_writers_misses_none
    the_process_hears_of_what_it_commits_and_of_nothing_else
    who_listens_is_notified
}

fn token(number: u32) -> AccessChange {
    AccessChange::Token(TokenId::from_uuid(Uuid::from_u128(number.into())))
}

async fn insert(tx: &dyn Transaction, numbers: &[u32]) {
    let changes: Vec<_> = numbers.iter().map(|number| token(*number)).collect();
    assert_eq!(tx.access_changes().insert_access_changes(&changes, at(0)).await.unwrap(), changes.len());
}

async fn commit(fixture: &Fixture, numbers: &[u32]) {
    let tx = fixture.write().await;
    insert(tx.as_ref(), numbers).await;
    tx.commit().await.unwrap();
}

async fn look(fixture: &Fixture, position: &mut Position, limit: i64) -> Vec<RecordedChange> {
    fixture.read().await.access_changes().follow_access_changes(position, limit).await.unwrap()
}

/// What comes next.
async fn follow(fixture: &Fixture, position: &mut Position) -> Vec<AccessChange> {
    look(fixture, position, 100).await.into_iter().map(|recorded| recorded.change).collect()
}

/// All changes that are on record.
async fn all(fixture: &Fixture) -> Vec<AccessChange> {
    follow(fixture, &mut Position::default()).await
}

async fn a_change_comes_back_once(fixture: Fixture) {
    let changes = [
        AccessChange::Session(Uuid::from_u128(1)),
        AccessChange::Subject { id: Uuid::from_u128(2), revoked_before: at(5) + TICK },
        token(3),
        AccessChange::Key("kid_-".to_owned()),
        AccessChange::KeySet,
        AccessChange::Rights,
        AccessChange::Rights,
    ];
    let tx = fixture.write().await;
    assert_eq!(tx.access_changes().insert_access_changes(&changes, at(7)).await.unwrap(), changes.len());
    assert_eq!(tx.access_changes().insert_access_changes(&[], at(7)).await.unwrap(), 0);
    tx.commit().await.unwrap();
    let mut position = Position::default();
    let mut found = look(&fixture, &mut position, 3).await;
    assert_eq!(found.len(), 3);
    found.extend(look(&fixture, &mut position, 100).await);
    assert!(found.is_sorted_by(|a, b| a.sequence < b.sequence));
    assert!(found.iter().all(|recorded| recorded.forget_after == AccessChange::forget_after(at(7))));
    assert_eq!(position, Position::after(found.last().unwrap().sequence));
    assert!(found.into_iter().map(|recorded| recorded.change).eq(changes));
    assert_eq!(follow(&fixture, &mut position).await, []);
}

async fn what_is_not_committed_does_not_come(fixture: Fixture) {
    let mut position = Position::default();
    let mut open = fixture.write().await;
    insert(open.as_mut(), &[1]).await;
    assert_eq!(follow(&fixture, &mut position).await, []);
    open.commit().await.unwrap();
    assert_eq!(follow(&fixture, &mut position).await, [token(1)]);
}

async fn what_is_visible_comes_at_once_and_the_watermark_waits(fixture: Fixture) {
    commit(&fixture, &[1]).await;
    let mut position = Position::default();
    assert_eq!(follow(&fixture, &mut position).await, [token(1)]);
    let before = position.watermark();
    if fixture.database.backend == Backend::Sqlite {
        // One writer: nothing can overtake.
        commit(&fixture, &[2, 3]).await;
        assert_eq!(follow(&fixture, &mut position).await, [token(2), token(3)]);
        assert_eq!(position.watermark(), before + 2);
        return;
    }
    let (mut open, mut other) = (fixture.write().await, fixture.write().await);
    insert(open.as_mut(), &[2]).await;
    insert(other.as_mut(), &[3]).await;
    commit(&fixture, &[4]).await;
    for expected in [vec![token(4)], vec![], vec![]] {
        assert_eq!(follow(&fixture, &mut position).await, expected);
        assert_eq!(position.watermark(), before, "two are under way");
    }
    other.commit().await.unwrap();
    commit(&fixture, &[5]).await;
    assert_eq!(follow(&fixture, &mut position).await, [token(3), token(5)]);
    assert_eq!(position.watermark(), before, "one is under way");
    open.commit().await.unwrap();
    assert_eq!(follow(&fixture, &mut position).await, [token(2)]);
    assert_eq!(position.watermark(), before + 4);
}

async fn what_was_rolled_back_is_not_waited_for(fixture: Fixture) {
    let mut position = Position::default();
    let mut open = fixture.write().await;
    insert(open.as_mut(), &[1, 2]).await;
    drop(open);
    fixture.settle().await;
    commit(&fixture, &[3]).await;
    assert_eq!(follow(&fixture, &mut position).await, [token(3)]);
    assert_eq!(follow(&fixture, &mut position).await, []);
    assert_eq!(position.watermark(), position.seen);
}

async fn erased_changes_are_not_waited_for(fixture: Fixture) {
    commit(&fixture, &(1..=40).collect::<Vec<_>>()).await;
    fixture.execute("DELETE FROM access_changes WHERE sequence % 2 = 1").await;
    let mut position = Position::default();
    let mut found = BTreeSet::new();
    while position.watermark() < 40 {
        let before = position.clone();
        found.extend(look(&fixture, &mut position, 3).await.into_iter().map(|recorded| recorded.sequence));
        assert_ne!(position, before, "it gets on");
    }
    assert!(found.into_iter().eq((1..=20).map(|half| 2 * half)));
}

async fn a_token_is_revoked_once(fixture: Fixture) {
    let counts = in_parallel(&fixture.store, 8, |store, _| async move {
        let tx = store.write().await.unwrap();
        let count = tx.access_changes().insert_access_changes(&[token(1)], at(0)).await.unwrap();
        tx.commit().await.unwrap();
        count
    });
    assert_eq!(counts.await.iter().sum::<usize>(), 1);
    assert_eq!(all(&fixture).await, [token(1)]);
}

async fn a_token_is_void_by_what_names_it(fixture: Fixture) {
    let id = Uuid::from_u128;
    let mark = |number: u128| TokenMarks {
        sid: id(number),
        subject: id(number + 1),
        issue_time: at(10),
        token_id: TokenId::from_uuid(id(number + 2)),
        key_id: "k",
    };
    let changes = [
        AccessChange::Session(id(10)),
        AccessChange::Subject { id: id(21), revoked_before: at(9) },
        AccessChange::Subject { id: id(31), revoked_before: at(10) },
        AccessChange::Subject { id: id(31), revoked_before: at(8) },
        AccessChange::Token(TokenId::from_uuid(id(42))),
        AccessChange::Key("other".to_owned()),
        AccessChange::Session(id(51)),
        AccessChange::Rights,
    ];
    let tx = fixture.write().await;
    tx.access_changes().insert_access_changes(&changes, at(0)).await.unwrap();
    tx.commit().await.unwrap();
    let tx = fixture.read().await;
    for (number, is_void) in [(10, true), (20, false), (30, true), (40, true), (50, false), (60, false)] {
        assert_eq!(tx.access_changes().is_void(&mark(number)).await.unwrap(), is_void, "{number}");
    }
    assert!(tx.access_changes().is_void(&TokenMarks { key_id: "other", ..mark(60) }).await.unwrap());
}

async fn old_changes_are_erased(fixture: Fixture) {
    for second in [3, 1, 2] {
        let tx = fixture.write().await;
        let change = [token(u32::try_from(second).unwrap())];
        tx.access_changes().insert_access_changes(&change, at(second)).await.unwrap();
        tx.commit().await.unwrap();
    }
    let purge = async |now: Timestamp, limit| {
        let tx = fixture.write().await;
        let count = tx.access_changes().purge_access_changes(now, limit).await.unwrap();
        tx.commit().await.unwrap();
        count
    };
    let of = |second| AccessChange::forget_after(at(second));
    assert_eq!(purge(of(1), 9).await, 0);
    assert_eq!(purge(of(3), 1).await, 1);
    assert_eq!(all(&fixture).await, [token(3), token(2)]);
    assert_eq!(purge(of(3), 9).await, 1);
    assert_eq!(purge(of(3) + Duration::microseconds(1), 9).await, 1);
    assert_eq!(all(&fixture).await, []);
}

async fn a_follower_of_many_parallel_writers_misses_none(fixture: Fixture) {
    let is_over = Arc::new(AtomicBool::new(false));
    let follower = tokio::spawn(collect(fixture.store.clone(), is_over.clone()));
    let committed = in_parallel(&fixture.store, 4, |store, writer| async move {
        let mut committed = Vec::new();
        for round in 0..50 {
            let numbers = [writer * 1000 + 2 * round, writer * 1000 + 2 * round + 1];
            let tx = store.write().await.unwrap();
            insert(tx.as_ref(), &numbers[..1]).await;
            tokio::task::yield_now().await;
            insert(tx.as_ref(), &numbers[1..]).await;
            // Every seventh is rolled back.
            if round % 7 != 0 {
                tx.commit().await.unwrap();
                committed.extend(numbers.map(|number| Uuid::from_u128(number.into())));
            }
        }
        committed
    });
    let committed: BTreeSet<Uuid> = committed.await.concat().into_iter().collect();
    is_over.store(true, Ordering::SeqCst);
    assert_eq!(follower.await.unwrap(), committed);
}

/// Follows the changes until it is over and nothing is missing; the tokens that came.
async fn collect(store: Arc<dyn Store>, is_over: Arc<AtomicBool>) -> BTreeSet<Uuid> {
    let (mut position, mut ids, mut numbers) = (Position::default(), BTreeSet::new(), BTreeSet::new());
    loop {
        let was_over = is_over.load(Ordering::SeqCst);
        let tx = store.read_reserved().await.unwrap();
        let before = position.watermark();
        let found = tx.access_changes().follow_access_changes(&mut position, 7).await.unwrap();
        drop(tx);
        assert!(position.watermark() >= before);
        for recorded in &found {
            let AccessChange::Token(id) = recorded.change else { panic!("{recorded:?}") };
            assert!(recorded.sequence > before, "nothing appears below the watermark");
            numbers.insert(recorded.sequence);
            ids.insert(*id.as_uuid());
        }
        // What was rolled back by dropping may take a moment to end.
        if was_over && found.is_empty() && position.unsettled.is_empty() {
            assert_eq!(numbers.last().copied(), Some(position.watermark()));
            return ids;
        }
        tokio::task::yield_now().await;
    }
}

#[derive(Default)]
struct Ear(Mutex<Vec<AccessChange>>);

impl ChangeSink for Ear {
    fn committed(&self, changes: Vec<(AccessChange, Timestamp)>) {
        self.0.lock().unwrap().extend(changes.into_iter().map(|(change, forget_after)| {
            assert_eq!(forget_after, AccessChange::forget_after(at(0)));
            change
        }));
    }
}

async fn the_process_hears_of_what_it_commits_and_of_nothing_else(fixture: Fixture) {
    let ear = Arc::new(Ear::default());
    let store = store::connect(&fixture.database.settings, ear.clone()).await.unwrap();
    let heard = || std::mem::take(&mut *ear.0.lock().unwrap());
    commit(&fixture, &[1]).await;
    let tx = store.write().await.unwrap();
    insert(tx.as_ref(), &[2]).await;
    insert(tx.as_ref(), &[3]).await;
    assert_eq!(heard(), [], "it is not committed");
    tx.commit().await.unwrap();
    assert_eq!(heard(), [token(2), token(3)]);
    let tx = store.write().await.unwrap();
    insert(tx.as_ref(), &[4]).await;
    drop(tx);
    let mut failing = store.write().await.unwrap();
    insert(failing.as_mut(), &[5]).await;
    // Nobody has the session's person, so that the statement fails and with it the transaction.
    failing.sessions().insert_session(&session(&user(1), 1)).await.unwrap_err();
    failing.commit().await.unwrap_err();
    assert_eq!(heard(), []);
    assert_eq!(all(&fixture).await, [token(1), token(2), token(3)]);
}

async fn who_listens_is_notified(fixture: Fixture) {
    if fixture.database.backend == Backend::Sqlite {
        fixture.store.notify().await.unwrap();
        return;
    }
    let (heard, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let other = fixture.database.store().await;
    let mut listens = tokio::spawn(async move { other.listen(&|| heard.send(()).unwrap()).await });
    if postgres::is_session_shared() {
        fixture.store.notify().await.unwrap();
        timeout(std::time::Duration::from_millis(500), &mut listens).await.expect_err("there is nothing to listen to");
        assert!(hears.try_recv().is_err());
        return;
    }
    hears.recv().await.expect("it listens from now on");
    fixture.store.notify().await.unwrap();
    hears.recv().await.expect("it was notified");
    fixture
        .execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()")
        .await;
    assert!(listens.await.unwrap().is_err(), "the connection is lost");
}
