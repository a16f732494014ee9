//! Where the blocking functions of SQLite run.

use std::error::Error;
use std::sync::Arc;

use diesel_async::sync_connection_wrapper::SpawnBlocking;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::Mutex;

/// Runs the blocking work of one connection on tokio's threads, strictly in the order in which it was asked for.
///
/// The work continues when its future is dropped. Without the order, the ROLLBACK that follows an abandoned statement
/// might overtake it, and the statement would take effect outside of the transaction.
#[derive(Default)]
pub(super) struct InOrder {
    turn: Arc<Mutex<()>>,
}

impl SpawnBlocking for InOrder {
    fn spawn_blocking<'a, R>(
        &mut self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> BoxFuture<'a, Result<R, Box<dyn Error + Send + Sync + 'static>>>
    where
        R: Send + 'static,
    {
        let turn = Arc::clone(&self.turn);
        async move {
            let turn = turn.lock_owned().await;
            let worked = tokio::task::spawn_blocking(move || {
                let result = work();
                drop(turn);
                result
            });
            Ok(worked.await?)
        }
        .boxed()
    }

    fn get_runtime() -> Self {
        Self::default()
    }
}
