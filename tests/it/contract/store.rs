use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{try_join, try_join3};
use ipse::application::ports::{Store, StoreError, StoreResult};

use super::samples::{session, user};
use super::{Fixture, in_parallel};
use crate::support::database::Backend;
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    the_database_answers
    changes_are_invisible_until_the_commit
    a_unit_sees_its_own_changes
    a_reading_unit_sees_every_new_commit
    a_dropped_unit_is_rolled_back
    a_failed_statement_makes_the_commit_refuse
    joined_statements_are_executed_in_their_order
    queries_are_joined_without_a_transaction_too
    of_joined_statements_the_one_that_failed_first_is_told_of
    a_cancelled_unit_leaves_nothing_behind
    writers_and_readers_in_parallel_all_succeed
    readers_do_not_wait_for_a_writer
    no_free_connection_in_time_is_unavailable
    another_program_in_the_way_is_contention
}

async fn the_database_answers(fixture: Fixture) {
    fixture.store.ping().await.unwrap();
}

async fn exists(store: &Arc<dyn Store>, number: u32) -> bool {
    store.read().await.unwrap().users().find_user(user(number).id).await.unwrap().is_some()
}

async fn changes_are_invisible_until_the_commit(fixture: Fixture) {
    let tx = fixture.write().await;
    tx.users().insert_user(&user(1)).await.unwrap();
    assert!(!exists(&fixture.store, 1).await);
    tx.commit().await.unwrap();
    assert!(exists(&fixture.store, 1).await);
}

async fn a_unit_sees_its_own_changes(fixture: Fixture) {
    let tx = fixture.write().await;
    tx.users().insert_user(&user(1)).await.unwrap();
    assert_eq!(tx.users().find_user(user(1).id).await.unwrap(), Some(user(1)));
}

async fn a_reading_unit_sees_every_new_commit(fixture: Fixture) {
    let tx = fixture.read().await;
    for number in 1..4 {
        assert_eq!(tx.users().find_user(user(number).id).await.unwrap(), None);
        fixture.put_users(&[user(number)]).await;
        assert_eq!(tx.users().find_user(user(number).id).await.unwrap(), Some(user(number)));
    }
}

async fn a_dropped_unit_is_rolled_back(fixture: Fixture) {
    for _ in 0..3 * fixture.database.settings.max_connections {
        let tx = fixture.write().await;
        tx.users().insert_user(&user(1)).await.unwrap();
        drop(tx);
        assert!(!exists(&fixture.store, 1).await);
    }
}

async fn a_failed_statement_makes_the_commit_refuse(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    let tx = fixture.write().await;
    tx.users().insert_user(&user(2)).await.unwrap();
    tx.sessions().insert_session(&session(&user(1), 1)).await.unwrap();
    let again = tx.sessions().insert_session(&session(&user(1), 1)).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
    // Whether a later statement succeeds is up to the database; it must not hide the failure.
    let _ = tx.users().find_user(user(1).id).await;
    let commit = tx.commit().await;
    assert!(matches!(commit, Err(StoreError::Aborted)), "{commit:?}");
    assert!(!exists(&fixture.store, 2).await);
    fixture.put_users(&[user(2)]).await;
}

/// Whatever of them the connection has met before: what is new to it is prepared first.
async fn joined_statements_are_executed_in_their_order(fixture: Fixture) {
    for (number, knows_the_second) in [(1, false), (2, true), (3, true)] {
        let tx = fixture.write().await;
        let (person, session) = (user(number), session(&user(number), number));
        if knows_the_second {
            assert_eq!(tx.users().find_user(person.id).await.unwrap(), None);
        }
        let insert = try_join(tx.users().insert_user(&person), tx.sessions().insert_session(&session));
        let find = try_join(tx.users().find_user(person.id), tx.sessions().find_session(session.id));
        let (_, (found, begun)) = try_join(insert, find).await.unwrap();
        assert_eq!((found, begun), (Some(person), Some(session)));
        tx.commit().await.unwrap();
    }
}

/// Behind a pooler each of them has a transaction of its own.
async fn queries_are_joined_without_a_transaction_too(fixture: Fixture) {
    fixture.put_users(&[user(1), user(2)]).await;
    let unit = fixture.read().await;
    for _ in 0..3 {
        let (ada, bob) = (user(1).id, user(2).id);
        let found =
            try_join3(unit.users().find_user(ada), unit.users().find_user(bob), unit.users().find_user(ada)).await;
        assert_eq!(found.unwrap(), (Some(user(1)), Some(user(2)), Some(user(1))));
        assert_eq!(unit.users().find_user(bob).await.unwrap(), Some(user(2)));
    }
}

async fn of_joined_statements_the_one_that_failed_first_is_told_of(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    for _ in 0..3 {
        let tx = fixture.write().await;
        let session = session(&user(1), 1);
        tx.sessions().insert_session(&session).await.unwrap();
        let again = tx.sessions().insert_session(&session);
        let failed = try_join3(again, tx.users().insert_user(&user(2)), tx.users().find_user(user(1).id)).await;
        assert!(matches!(failed, Err(StoreError::Conflict(_))), "{failed:?}");
        assert!(matches!(tx.commit().await, Err(StoreError::Aborted)));
        assert!(!exists(&fixture.store, 2).await);
    }
}

/// Everything a use case may be in the middle of when its client goes away.
async fn long_unit(store: Arc<dyn Store>, number: u32) -> StoreResult<()> {
    store.read().await?.users().find_user(user(number).id).await?;
    let tx = store.write().await?;
    tx.users().insert_user(&user(number)).await?;
    let session = session(&user(number), number);
    try_join(tx.sessions().insert_session(&session), tx.users().find_user(user(number).id)).await?;
    tx.sessions().find_session_with_user(session.id).await?;
    tx.commit().await
}

/// Polls a future up to this many times and drops it. Whether it came to its end.
async fn cancelled_after(polls: u32, future: impl Future) -> bool {
    let mut future = pin!(future);
    let mut polled = 0;
    poll_fn(|cx| {
        polled += 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending if polled >= polls => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

async fn a_cancelled_unit_leaves_nothing_behind(fixture: Fixture) {
    let mut number = 0;
    // Often, as what a cut does to a running statement is a race between threads.
    for _ in 0..50 {
        // One poll more each time, until the cancellation comes too late: so each await is cut off once.
        for polls in 1.. {
            number += 1;
            if cancelled_after(polls, long_unit(Arc::clone(&fixture.store), number)).await {
                assert!(exists(&fixture.store, number).await, "unit {number} was committed and is not stored");
                break;
            }
        }
    }
    assert!(number > 100, "no unit was cut off");
    assert_whole(&fixture).await;
    for number in 1..=number {
        let id = session(&user(number), number).id;
        let complete = fixture.read().await.sessions().find_session(id).await.unwrap().is_some();
        assert_eq!(exists(&fixture.store, number).await, complete, "unit {number} is stored in part");
    }
}

/// Asserts that every connection of the pool can be had, that nobody holds a lock, and that no transaction is open.
async fn assert_whole(fixture: &Fixture) {
    fixture.settle().await;
    fixture.put_users(&[user(0)]).await;
    let mut outsider = fixture.database.outsider().await;
    match fixture.database.backend {
        Backend::Sqlite => outsider.execute("BEGIN EXCLUSIVE; ROLLBACK").await,
        Backend::Postgres => {
            let open = "SELECT query AS value FROM pg_stat_activity \
                 WHERE datname = current_database() AND pid <> pg_backend_pid() \
                 AND backend_type = 'client backend' AND state <> 'idle'";
            assert_eq!(outsider.values(open).await, Vec::<String>::new());
        }
    }
}

async fn writers_and_readers_in_parallel_all_succeed(fixture: Fixture) {
    let all = in_parallel(&fixture.store, 64, |store, number| async move {
        long_unit(Arc::clone(&store), number).await.unwrap();
        exists(&store, number).await && exists(&store, number).await
    });
    assert_eq!(all.await, [true; 64]);
}

async fn readers_do_not_wait_for_a_writer(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    let tx = fixture.write().await;
    tx.users().record_login(user(1).id, user(1).create_time).await.unwrap();
    let found = in_parallel(&fixture.store, 16, |store, _| async move {
        store.read().await.unwrap().users().find_user(user(1).id).await.unwrap()
    });
    assert_eq!(found.await, vec![Some(user(1)); 16]);
    tx.commit().await.unwrap();
}

/// A second store on the same database that loses its patience soon.
async fn impatient(fixture: &Fixture) -> Arc<dyn Store> {
    let mut settings = fixture.database.settings.clone();
    settings.max_connections = 2;
    settings.acquire_timeout = Duration::from_millis(200);
    settings.lock_timeout = Duration::from_millis(200);
    ipse::infrastructure::store::connect(&settings, Arc::new(())).await.unwrap()
}

async fn no_free_connection_in_time_is_unavailable(fixture: Fixture) {
    let store = impatient(&fixture).await;
    let mut units = Vec::new();
    let refused = loop {
        assert!(units.len() < 64, "the pool has no bound");
        match store.read().await {
            Ok(tx) => units.push(tx),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
    drop(units);
    store.read().await.unwrap().users().find_user(user(1).id).await.unwrap();
}

async fn another_program_in_the_way_is_contention(fixture: Fixture) {
    let store = impatient(&fixture).await;
    let lock = match fixture.database.backend {
        Backend::Sqlite => "BEGIN IMMEDIATE",
        Backend::Postgres => "BEGIN; LOCK TABLE users IN SHARE MODE",
    };
    let mut outsider = fixture.database.outsider().await;
    outsider.execute(lock).await;
    let written = insert(&store, 1).await;
    assert!(matches!(written, Err(StoreError::Contention(_))), "{written:?}");
    outsider.execute("ROLLBACK").await;
    insert(&store, 1).await.unwrap();
    assert!(exists(&store, 1).await);
}

async fn insert(store: &Arc<dyn Store>, number: u32) -> StoreResult<()> {
    let tx = store.write().await?;
    tx.users().insert_user(&user(number)).await?;
    tx.commit().await
}
