//! A unit of work on one connection of either backend, which survives that it is abandoned at any moment.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::{Manager, Object};
use diesel::QueryResult;
use diesel_async::methods::{ExecuteDsl, LoadQuery};
use diesel_async::{AsyncConnectionCore, RunQueryDsl, SimpleAsyncConnection};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, TryFutureExt};
use tokio::runtime::Handle;

use super::error::{self, Trouble};
use super::wait_limit::WaitLimit;
use crate::application::ports::{ChangeSink, StoreError, StoreResult};
use crate::domain::Timestamp;
use crate::domain::access::change::AccessChange;

/// How long a connection may take to come back from an abandoned unit of work; longer than a statement may run.
const RESET_TIMEOUT: Duration = Duration::from_secs(10);

/// What units of work need of a kind of database, beside connections.
pub(super) trait Backend: Manager<Type: AsyncConnectionCore> + Sized + 'static {
    /// The statements that begin a transaction.
    fn begin(connection: &Self::Type) -> Cow<'static, str>;

    /// Whether each transaction may run in another session of the database than the one before. Every statement is then in a
    /// transaction, and a connection in doubt is given up, as it may have left something in a session of others.
    fn is_shared(_: &Self::Type) -> bool {
        false
    }

    /// Waits for whatever statement still runs, and rolls back the transaction, if there is one.
    fn reset(connection: &mut Self::Type) -> impl Future<Output = QueryResult<()>> + Send;

    /// What the last error on a connection tells of, if diesel has no kind for it. It had this text.
    fn trouble(connection: &Self::Type, message: &str) -> Trouble;
}

/// The state of the connection to the database.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wire {
    Whole,
    /// The connection is closed, or of no more use.
    Lost,
    /// A statement got no answer in time.
    Silent,
}

/// A unit of work on one connection.
///
/// Handlers' futures are dropped at any await, also in the middle of a statement, a BEGIN or a COMMIT. Until a statement
/// has answered well, the unit is therefore in doubt: a transaction in doubt cannot continue, and a connection in doubt or
/// in a transaction is reset by a task of its own before the pool gets it back.
///
/// The futures of queries are boxed: the compiler cannot tell that a future is `Send` that holds the type of a query with
/// borrowed parameters.
pub(super) struct Unit<B: Backend> {
    connection: Option<Object<B>>,
    in_transaction: bool,
    in_doubt: bool,
    wire: Wire,
    limit: WaitLimit,
    changes: Vec<(AccessChange, Timestamp)>,
    sink: Arc<dyn ChangeSink>,
}

impl<B: Backend> Unit<B> {
    /// A unit without a transaction, whose statements may take as long as the limit says.
    pub(super) fn new(connection: Object<B>, limit: WaitLimit, sink: Arc<dyn ChangeSink>) -> Self {
        let (connection, wire) = (Some(connection), Wire::Whole);
        Self { connection, in_transaction: false, in_doubt: false, wire, limit, changes: Vec::new(), sink }
    }

    /// Gives statements another time, such as all they need.
    pub(super) fn set_limit(&mut self, limit: WaitLimit) {
        self.limit = limit;
    }

    /// Whether the database left a statement without an answer.
    pub(super) fn is_silent(&self) -> bool {
        self.wire == Wire::Silent
    }

    /// Begins the transaction.
    pub(super) async fn begin(&mut self) -> StoreResult<()> {
        let begin = B::begin(self.connection.as_deref().ok_or(StoreError::Aborted)?);
        self.batch(&begin).await?;
        self.in_transaction = true;
        Ok(())
    }

    /// Begins a transaction around one statement, where it takes one. Whether it did.
    async fn begin_around(&mut self) -> StoreResult<bool> {
        let is_alone = !self.in_transaction && self.is_shared();
        if is_alone {
            self.begin().await?;
        }
        Ok(is_alone)
    }

    fn is_shared(&self) -> bool {
        self.connection.as_deref().is_some_and(B::is_shared)
    }

    /// Commits the transaction, if one was begun. PostgreSQL answers COMMIT well after a failed statement although it
    /// rolls back, so a unit in doubt is refused here. If the connection is lost meanwhile, nobody knows whether the
    /// server had done it by then.
    pub(super) async fn commit(&mut self) -> StoreResult<()> {
        if self.in_transaction {
            match self.batch("COMMIT").await {
                Err(StoreError::Unavailable(cause)) if self.wire != Wire::Whole => {
                    return Err(StoreError::OutcomeUnknown(cause));
                }
                outcome => outcome?,
            }
            self.in_transaction = false;
            if !self.changes.is_empty() {
                self.sink.committed(std::mem::take(&mut self.changes));
            }
        }
        Ok(())
    }

    /// Tells this process of changes once they are committed. Nothing is told if nobody learns how the commit ended, such
    /// as when the call is dropped meanwhile: the process then reads them like those of others.
    pub(super) fn will_tell(&mut self, changes: impl IntoIterator<Item = (AccessChange, Timestamp)>) {
        self.changes.extend(changes);
    }

    /// Runs statements without parameters.
    pub(super) async fn batch(&mut self, statements: &str) -> StoreResult<()> {
        let limit = self.limit.clone();
        let outcome = limit.wait(self.connection()?.batch_execute(statements)).await;
        self.settle(outcome)
    }

    /// Runs a statement: the number of rows it touched.
    pub(super) fn execute<'a, Q>(&'a mut self, query: Q) -> BoxFuture<'a, StoreResult<usize>>
    where
        Q: ExecuteDsl<B::Type> + Send + 'a,
    {
        async move {
            let is_alone = self.begin_around().await?;
            let limit = self.limit.clone();
            let outcome = limit.wait(RunQueryDsl::execute(query, self.connection()?)).await;
            let count = self.settle(outcome)?;
            if is_alone {
                self.commit().await?;
            }
            Ok(count)
        }
        .boxed()
    }

    /// Runs a query: its rows.
    pub(super) fn load<'a, Q, T>(&'a mut self, query: Q) -> BoxFuture<'a, StoreResult<Vec<T>>>
    where
        Q: LoadQuery<'a, B::Type, T> + Send + 'a,
        T: Send + 'a,
    {
        async move {
            let is_alone = self.begin_around().await?;
            let limit = self.limit.clone();
            let outcome = limit.wait(RunQueryDsl::load(query, self.connection()?)).await;
            let rows = self.settle(outcome)?;
            if is_alone {
                self.commit().await?;
            }
            Ok(rows)
        }
        .boxed()
    }

    /// Runs a query that finds one row or none.
    pub(super) fn find<'a, Q, T>(&'a mut self, query: Q) -> BoxFuture<'a, StoreResult<Option<T>>>
    where
        Q: LoadQuery<'a, B::Type, T> + Send + 'a,
        T: Send + 'a,
    {
        self.load(query).map_ok(|rows| rows.into_iter().next()).boxed()
    }

    fn connection(&mut self) -> StoreResult<&mut B::Type> {
        if self.in_transaction && self.in_doubt {
            return Err(StoreError::Aborted);
        }
        self.in_doubt = true;
        self.connection.as_deref_mut().ok_or(StoreError::Aborted)
    }

    fn settle<T>(&mut self, outcome: Option<QueryResult<T>>) -> StoreResult<T> {
        match outcome {
            Some(Ok(value)) => {
                self.in_doubt = false;
                Ok(value)
            }
            Some(Err(failure)) => {
                let connection = self.connection.as_deref();
                let further = |message: &str| connection.map_or(Trouble::Lost, |known| B::trouble(known, message));
                if error::trouble(&failure, further) == Trouble::Lost {
                    self.wire = Wire::Lost;
                }
                Err(error::from_diesel(failure, further))
            }
            None => {
                self.wire = Wire::Silent;
                Err(error::unavailable("the database did not answer in time"))
            }
        }
    }
}

impl<B: Backend> Drop for Unit<B> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        match Handle::try_current() {
            _ if !self.in_transaction && !self.in_doubt => drop(connection),
            _ if self.in_doubt && B::is_shared(&connection) => drop(Object::take(connection)),
            Ok(runtime) if self.wire == Wire::Whole => {
                drop(runtime.spawn(reset(connection, self.limit.with(RESET_TIMEOUT))));
            }
            _ => discard(connection),
        }
    }
}

async fn reset<B: Backend>(mut connection: Object<B>, limit: WaitLimit) {
    match limit.wait(B::reset(&mut connection)).await {
        Some(Ok(())) => drop(connection),
        _ => discard(connection),
    }
}

/// Closes a connection that is of no use, and the idle ones with it, which most likely met the same fate.
fn discard<B: Backend>(connection: Object<B>) {
    if let Some(pool) = Object::pool(&connection) {
        pool.retain(|_, _| false);
    }
    drop(Object::take(connection));
}
