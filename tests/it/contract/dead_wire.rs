//! What a store promises while the database does not answer. Only PostgreSQL is at the end of a wire.

use std::sync::Arc;
use std::time::Duration;

use ipse::application::ports::{Store, StoreError};
use ipse::infrastructure::store;
use tokio::time::{Instant, timeout};

use super::samples::user;
use crate::support::database::{Backend, Database};
use crate::support::postgres;
use crate::support::relay::Relay;

/// How long it may take to find out that nobody answers.
const FOUND_OUT: Duration = Duration::from_secs(3);
/// How long the first unit of work may take once the wire is whole again.
const BACK: Duration = Duration::from_secs(1);

/// How long it is waited for what must not come.
const QUIET: Duration = Duration::from_millis(500);

struct Wire {
    relay: Relay,
    store: Arc<dyn Store>,
    direct: Arc<dyn Store>,
    _database: Database,
}

impl Wire {
    async fn new() -> Self {
        let mut database = Database::migrated(Backend::Postgres).await;
        let direct = database.store().await;
        let relay = Relay::before(&mut database.settings).await;
        let store = store::connect(&database.settings, Arc::new(())).await.unwrap();
        store.ping().await.unwrap();
        Self { relay, store, direct, _database: database }
    }

    async fn finds(&self, number: u32) -> bool {
        self.direct.read().await.unwrap().users().find_user(user(number).id).await.unwrap().is_some()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_is_told_and_the_next_ones_find_a_whole_wire() {
    let wire = Wire::new().await;
    for length in [0, 4] {
        let mut waiting = Vec::new();
        // More than there are connections: the others wait for one.
        for number in 0..8 {
            let store = wire.store.clone();
            waiting.push(tokio::spawn(async move {
                let unit = store.read().await?;
                loop {
                    unit.users().find_user(user(number).id).await?;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                #[expect(unreachable_code, reason = "names the type of the error")]
                Ok::<(), StoreError>(())
            }));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        wire.relay.fall_silent();
        let began = Instant::now();
        let ping = wire.store.ping().await;
        assert!(matches!(ping, Err(StoreError::Unavailable(_))), "{ping:?}");
        for outcome in waiting {
            let outcome = timeout(FOUND_OUT, outcome).await.expect("the wait has an end").unwrap();
            assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
        }
        assert!(began.elapsed() < FOUND_OUT, "{:?}", began.elapsed());

        // Whoever comes meanwhile fails as well, and is not in the way afterwards.
        let late = tokio::spawn({
            let store = wire.store.clone();
            async move { store.read().await.map(|_| ()) }
        });
        tokio::time::sleep(Duration::from_secs(length)).await;
        wire.store.ping().await.unwrap_err();
        wire.relay.open();
        let began = Instant::now();
        wire.store.read().await.unwrap().users().find_user(user(1).id).await.unwrap();
        assert!(began.elapsed() < BACK, "{:?}", began.elapsed());
        wire.store.ping().await.unwrap();
        let _ = late.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_listens_is_told() {
    let wire = Wire::new().await;
    let (heard, mut hearing) = tokio::sync::mpsc::unbounded_channel();
    let store = wire.store.clone();
    let mut listening = tokio::spawn(async move { store.listen(&move || heard.send(()).unwrap()).await });
    if postgres::is_session_shared() {
        // Whoever listened would be another client at once: nobody does, and what there is to read is found by looking.
        timeout(QUIET, &mut listening).await.expect_err("there is nothing to listen to");
        assert!(hearing.try_recv().is_err());
        return;
    }
    hearing.recv().await.unwrap();
    wire.relay.fall_silent();
    wire.store.ping().await.unwrap_err();
    let ended = timeout(FOUND_OUT, listening).await.expect("listening has an end").unwrap();
    assert!(matches!(ended, Err(StoreError::Unavailable(_))), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_without_an_answer_is_no_failure_and_no_success() {
    let wire = Wire::new().await;
    for (number, lose, is_stored) in
        [(1, Relay::lose_the_next_answer as fn(&Relay), true), (2, Relay::lose_the_next_commit, false)]
    {
        let tx = wire.store.write().await.unwrap();
        tx.users().insert_user(&user(number)).await.unwrap();
        lose(&wire.relay);
        let outcome = tx.commit().await;
        assert!(matches!(outcome, Err(StoreError::OutcomeUnknown(_))), "{outcome:?}");
        assert_eq!(wire.finds(number).await, is_stored);
    }
    // A refusal is an answer.
    let tx = wire.store.write().await.unwrap();
    tx.users().insert_user(&user(3)).await.unwrap();
    tx.commit().await.unwrap();
}
