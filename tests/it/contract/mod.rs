//! What ports promise, each promise stated once. Those of the store are kept by both backends.

mod access_changes;
mod action_tokens;
mod answered_requests;
mod api_keys;
mod audit_events;
mod audit_order;
mod bulk_factors;
mod bulk_users;
mod challenges;
mod clock_corrections;
mod commit_order;
mod credentials;
mod dead_jobs;
mod dead_wire;
mod enrolments;
mod factor_uses;
mod factors;
mod jobs;
mod passkeys;
mod role_grants;
mod roles;
mod samples;
mod sealed_rows;
mod server_language;
mod server_secrets;
mod service_accounts;
mod sessions;
mod signing_keys;
mod store;
mod throttles;
mod unique_jobs;
mod user_lists;
mod users;

use std::sync::Arc;

use ipse::application::ports::{Store, Transaction, UserInsert};
use ipse::domain::account::user::User;
use ipse::domain::credential::factor::Factor;
use ipse::domain::session::Session;
use ipse::domain::session::challenge::Challenge;

use crate::support::database::{Backend, Database};

/// A fresh database and a store on it.
struct Fixture {
    store: Arc<dyn Store>,
    database: Database,
}

impl Fixture {
    async fn new(backend: Backend) -> Self {
        let database = Database::migrated(backend).await;
        Self { store: database.store().await, database }
    }

    async fn read(&self) -> Box<dyn Transaction> {
        self.store.read().await.unwrap()
    }

    async fn write(&self) -> Box<dyn Transaction> {
        self.store.write().await.unwrap()
    }

    /// Waits until every connection of the pool is free: a dropped unit is rolled back soon, not at once.
    async fn settle(&self) {
        let mut units = Vec::new();
        while units.len() < self.database.settings.max_connections {
            let unit = self.read().await;
            unit.users().find_user(samples::user(0).id).await.unwrap();
            units.push(unit);
        }
    }

    /// Waits until some transaction waits for another one. Where there is one writer, none ever does within the database.
    async fn until_somebody_waits(&self) {
        let waiting = "SELECT state AS value FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let mut outsider = self.database.outsider().await;
        while self.database.backend == Backend::Postgres && outsider.values(waiting).await.is_empty() {
            tokio::task::yield_now().await;
        }
    }

    /// Stores people and commits.
    async fn put_users(&self, users: &[User]) {
        let tx = self.write().await;
        for user in users {
            assert_eq!(tx.users().insert_user(user).await.unwrap(), UserInsert::Inserted);
        }
        tx.commit().await.unwrap();
    }

    /// Stores factors of stored people and commits.
    async fn put_factors(&self, factors: &[Factor]) {
        let tx = self.write().await;
        for factor in factors {
            assert!(tx.factors().insert_factor(factor).await.unwrap());
        }
        tx.commit().await.unwrap();
    }

    /// Stores challenges and commits.
    async fn put_challenges(&self, challenges: &[Challenge]) {
        let tx = self.write().await;
        for challenge in challenges {
            tx.challenges().insert_challenge(challenge).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    /// How many rows a table has.
    async fn count(&self, table: &str) -> usize {
        self.database.outsider().await.values(&format!("SELECT 'row' AS value FROM {table}")).await.len()
    }

    /// Stores sessions of stored people and commits.
    async fn put_sessions(&self, sessions: &[Session]) {
        let tx = self.write().await;
        for session in sessions {
            tx.sessions().insert_session(session).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    /// Runs SQL as another program would.
    async fn execute(&self, sql: &str) {
        self.database.outsider().await.execute(sql).await;
    }
}

/// Runs one call of each number at the same time, each in a task of its own; the answers in order.
async fn in_parallel<T, F>(store: &Arc<dyn Store>, count: u32, call: impl Fn(Arc<dyn Store>, u32) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = (0..count).map(|number| tokio::spawn(call(Arc::clone(store), number))).collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}
