//! How long anybody waits for the database. A dead wire says nothing, for minutes: every wait has an end of its own, and
//! all of them end at once when the database is found not to answer.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

/// The longest wait for one thing. Limits that come from another share its interruption.
#[derive(Clone)]
pub(super) struct WaitLimit {
    limit: Option<Duration>,
    interruption: Arc<Notify>,
}

impl WaitLimit {
    /// Waits of at most this long, which nothing interrupts yet.
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit: Some(limit), interruption: Arc::default() }
    }

    /// Waits of another length, interrupted with these.
    pub(super) fn with(&self, limit: Duration) -> Self {
        Self { limit: Some(limit), interruption: self.interruption.clone() }
    }

    /// Waits without an end: for changes of the schema, which take the time they need.
    pub(super) fn none() -> Self {
        Self { limit: None, interruption: Arc::default() }
    }

    /// What the future yields; nothing if that takes too long or the wait is interrupted.
    pub(super) async fn wait<F: Future>(&self, future: F) -> Option<F::Output> {
        let Some(limit) = self.limit else { return Some(future.await) };
        tokio::select! {
            biased;
            output = future => Some(output),
            () = self.interruption.notified() => None,
            () = tokio::time::sleep(limit) => None,
        }
    }

    /// Ends when waits are interrupted, and not before.
    pub(super) async fn interrupted(&self) {
        self.interruption.notified().await;
    }

    /// Ends all waits that have begun.
    pub(super) fn interrupt(&self) {
        self.interruption.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test]
    async fn a_wait_ends_with_its_limit_or_an_interruption_and_an_answer_in_time_counts() {
        let limit = WaitLimit::new(Duration::from_millis(50));
        assert_eq!(limit.wait(ready(1)).await, Some(1));
        let began = Instant::now();
        assert_eq!(limit.wait(pending::<()>()).await, None);
        assert!(began.elapsed() >= Duration::from_millis(50));
        let longer = limit.with(Duration::from_secs(600));
        let (waited, ()) = tokio::join!(longer.wait(pending::<()>()), async {
            sleep(Duration::from_millis(20)).await;
            limit.interrupt();
        });
        assert_eq!(waited, None);
        limit.interrupt();
        let later = async {
            sleep(Duration::from_millis(20)).await;
            2
        };
        assert_eq!(longer.wait(later).await, Some(2), "an interruption concerns those who wait already");
    }
}
