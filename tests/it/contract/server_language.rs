//! Errors of PostgreSQL mean the same in every language: the servers of the tests speak German.

use ipse::application::ports::{StoreError, Transaction};

use super::Fixture;
use super::samples::user;
use crate::support::database::{Backend, Outsider};
use crate::support::postgres::programs;

/// Takes the lock of a user.
fn lock(number: u32) -> String {
    format!("SELECT * FROM users WHERE id = '{}' FOR UPDATE", user(number).id)
}

/// Two users, the first of them held by somebody else.
async fn with_somebody_in_the_way() -> (Fixture, Outsider) {
    let fixture = Fixture::new(Backend::Postgres).await;
    fixture.put_users(&[user(1), user(2)]).await;
    let mut other = fixture.database.outsider().await;
    // Of two in a deadlock, the one is refused that looks for it first.
    other.execute(&format!("BEGIN; SET LOCAL deadlock_timeout = '1h'; {}", lock(1))).await;
    (fixture, other)
}

/// Waits for the first user, while something is done to those who wait for the database. What becomes of it.
async fn wait(tx: &mut Box<dyn Transaction>, fixture: &Fixture, deed: &str) -> StoreError {
    let wait = async { tx.users().lock_user(user(1).id).await.expect_err("it waits for what it cannot get") };
    let act = async {
        let mut actor = fixture.database.outsider().await;
        let waiting = "FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while actor.values(&format!("SELECT pid::text AS value {waiting}")).await.is_empty() {
            tokio::task::yield_now().await;
        }
        actor.execute(&format!("SELECT {deed} {waiting}")).await;
    };
    tokio::join!(wait, act).0
}

/// Asserts that the store goes on after the error.
async fn assert_whole(fixture: &Fixture, other: Outsider) {
    drop(other);
    assert_eq!(fixture.read().await.users().find_user(user(2).id).await.unwrap(), Some(user(2)));
    fixture.put_users(&[user(3)]).await;
}

#[tokio::test]
async fn the_server_of_the_tests_speaks_another_language() {
    if std::env::var_os("IPSE_TEST_POSTGRES_URL").is_some() {
        return;
    }
    let fixture = Fixture::new(Backend::Postgres).await;
    let mut outsider = fixture.database.outsider().await;
    let language = "SELECT current_setting('lc_messages') AS value";
    assert_eq!(outsider.values(language).await, ["de_DE.UTF-8"]);
    let order = "SELECT string_agg(letter, '' ORDER BY letter) AS value FROM unnest('{d,ç,b,a}'::text[]) AS letter";
    assert_eq!(outsider.values(order).await, ["abçd"], "the order that a database has by default is Turkish");
    let refused = outsider.try_execute("SELECT 1 / 0").await.unwrap_err();
    assert!(refused.starts_with("22012 "), "{refused}");
    // A server without words of other languages, such as those of the npm packages, says it in English.
    if programs().is_some_and(|folder| folder.starts_with("/usr/lib/postgresql")) {
        assert!(!refused.contains("division by zero"), "{refused}");
    }
}

#[tokio::test]
async fn a_deadlock_is_contention() {
    let (fixture, mut other) = with_somebody_in_the_way().await;
    let tx = fixture.write().await;
    tx.users().lock_user(user(2).id).await.unwrap();
    let wait = async {
        let refused = tx.users().lock_user(user(1).id).await.expect_err("one of the two is refused");
        drop(tx);
        refused
    };
    let second = lock(2);
    let (refused, ()) = tokio::join!(wait, other.execute(&second));
    assert!(matches!(refused, StoreError::Contention(_)), "{refused:?}");
    other.execute("COMMIT").await;
    assert_whole(&fixture, other).await;
}

#[tokio::test]
async fn a_cancelled_statement_is_unavailability() {
    let (fixture, other) = with_somebody_in_the_way().await;
    let mut tx = fixture.write().await;
    let refused = wait(&mut tx, &fixture, "pg_cancel_backend(pid)").await;
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
    drop(tx);
    assert_whole(&fixture, other).await;
}

#[tokio::test]
async fn a_connection_that_the_server_ends_is_replaced() {
    let (fixture, other) = with_somebody_in_the_way().await;
    let mut tx = fixture.write().await;
    let refused = wait(&mut tx, &fixture, "pg_terminate_backend(pid)").await;
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
    drop(tx);
    assert_whole(&fixture, other).await;
}

#[tokio::test]
async fn what_nobody_foresaw_is_corruption() {
    let fixture = Fixture::new(Backend::Postgres).await;
    fixture.database.outsider().await.execute("ALTER TABLE users RENAME COLUMN username TO name").await;
    let refused = fixture.read().await.users().find_user(user(1).id).await.unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt(_)), "{refused:?}");
}
