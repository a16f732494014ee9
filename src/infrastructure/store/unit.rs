//! A unit of work on one connection of either backend, which survives that it is abandoned at any moment.

use std::borrow::Cow;
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deadpool::managed::{Manager, Object};
use diesel::QueryResult;
use diesel::query_builder::{AsQuery, QueryFragment};
use diesel_async::methods::LoadQuery;
use diesel_async::{AsyncConnectionCore, RunQueryDsl, SimpleAsyncConnection};
use futures_util::future::{BoxFuture, join};
use futures_util::{FutureExt, TryFutureExt};
use tokio::runtime::Handle;
use tokio::sync::Mutex as Turn;
use tracing::Span;

use super::error::{self, Trouble};
use super::kept::Kept;
use super::statement;
use super::wait_limit::WaitLimit;
use crate::application::ports::{ChangeSink, StoreError, StoreResult};
use crate::domain::Timestamp;
use crate::domain::access::change::AccessChange;

/// How long a connection may take to come back from an abandoned unit of work; longer than a statement may run.
const RESET_TIMEOUT: Duration = Duration::from_secs(10);

/// What units of work need of a kind of database, beside connections.
pub(super) trait Backend: Manager<Type: Send + Sync> + Sized + 'static {
    /// What takes one statement. Several may be in flight on one connection, and are executed in the order in which they
    /// were first polled.
    type Lent<'c>: AsyncConnectionCore<Backend = Self::Dialect>;
    /// The dialect of its statements.
    type Dialect: diesel::backend::Backend<QueryBuilder: Default> + Default;

    /// What OpenTelemetry's conventions call the database.
    const SYSTEM: &'static str;

    /// Whether a list of values is one parameter, whatever its length.
    const LISTS_ARE_PARAMETERS: bool;

    /// Whether the statement that begins a transaction may share the round trip of the first one in it: where it only fails
    /// if the connection is lost.
    const BEGINS_WITH_FIRST_STATEMENT: bool;

    /// Lends the connection to a statement.
    fn lend(connection: &Self::Type) -> impl Future<Output = Self::Lent<'_>> + Send;

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
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Wire {
    #[default]
    Whole,
    /// The connection is closed, or of no more use.
    Lost,
    /// A statement got no answer in time.
    Silent,
}

/// Whether there is a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    #[default]
    Outside,
    /// It begins with the next statement.
    Due,
    Inside,
}

/// What is known of a unit of work.
#[derive(Default)]
struct State {
    phase: Phase,
    /// Whether transactions are those of single statements.
    is_of_one_statement: bool,
    /// Statements that have not answered; that of a future which was dropped never does.
    unanswered: usize,
    has_failed: bool,
    wire: Wire,
    changes: Vec<(AccessChange, Timestamp)>,
}

impl State {
    /// Whether nobody knows what the database did of all that it was sent.
    const fn is_in_doubt(&self) -> bool {
        self.has_failed || self.unanswered > 0
    }
}

type Statement<'a, T> = BoxFuture<'a, QueryResult<T>>;

/// A unit of work on one connection.
///
/// Handlers' futures are dropped at any await, also in the middle of a statement, a BEGIN or a COMMIT. Until a statement
/// has answered well, the unit is therefore in doubt: a transaction in doubt cannot end well, and a connection in doubt or
/// in a transaction is reset by a task of its own before the pool gets it back.
///
/// Statements may be joined: those in flight together cost one round trip to the database, which executes them in the order
/// in which they were first polled. Where a statement needs what another one found, they cannot be.
///
/// The futures of queries are boxed: the compiler cannot tell that a future is `Send` that holds the type of a query with
/// borrowed parameters.
pub(super) struct Unit<B: Backend> {
    connection: Option<Object<B>>,
    limit: WaitLimit,
    state: Mutex<State>,
    /// Whose turn it is, where each statement has a transaction of its own.
    alone: Turn<()>,
    sink: Arc<dyn ChangeSink>,
}

impl<B: Backend> Unit<B> {
    /// A unit without a transaction, whose statements may take as long as the limit says.
    pub(super) fn new(connection: Object<B>, limit: WaitLimit, sink: Arc<dyn ChangeSink>) -> Self {
        Self { connection: Some(connection), limit, state: Mutex::default(), alone: Turn::default(), sink }
    }

    /// Gives statements another time, such as all they need.
    pub(super) fn set_limit(&mut self, limit: WaitLimit) {
        self.limit = limit;
    }

    /// Whether the database left a statement without an answer.
    pub(super) fn is_silent(&self) -> bool {
        self.state().wire == Wire::Silent
    }

    /// Begins the transaction, now or with its first statement.
    pub(super) async fn begin(&self) -> StoreResult<()> {
        if B::BEGINS_WITH_FIRST_STATEMENT {
            self.state().phase = Phase::Due;
        } else {
            self.batch(&B::begin(self.connection()?)).await?;
            self.state().phase = Phase::Inside;
        }
        Ok(())
    }

    /// Commits the transaction, if one was begun. PostgreSQL answers COMMIT well after a failed statement although it
    /// rolls back, so a unit in doubt is refused here. If the connection is lost meanwhile, nobody knows whether the
    /// server had done it by then.
    pub(super) async fn commit(&self) -> StoreResult<()> {
        let is_begun = {
            let state = self.state();
            if state.phase == Phase::Inside && state.is_in_doubt() {
                return Err(StoreError::Aborted);
            }
            state.phase == Phase::Inside
        };
        if is_begun {
            match self.batch("COMMIT").await {
                Err(StoreError::Unavailable(cause)) if self.state().wire != Wire::Whole => {
                    return Err(StoreError::OutcomeUnknown(cause));
                }
                outcome => outcome?,
            }
        }
        let changes = {
            let mut state = self.state();
            state.phase = Phase::Outside;
            std::mem::take(&mut state.changes)
        };
        if !changes.is_empty() {
            self.sink.committed(changes);
        }
        Ok(())
    }

    /// Tells this process of changes once they are committed. Nothing is told if nobody learns how the commit ended, such
    /// as when the call is dropped meanwhile: the process then reads them like those of others.
    pub(super) fn will_tell(&self, changes: impl IntoIterator<Item = (AccessChange, Timestamp)>) {
        self.state().changes.extend(changes);
    }

    /// Runs statements without parameters.
    pub(super) async fn batch(&self, statements: &str) -> StoreResult<()> {
        let connection = self.connection()?;
        let span = statement::span_of::<B>(|| statements.to_owned());
        self.send(span, async { B::lend(connection).await.batch_execute(statements).await }.boxed()).await
    }

    /// Runs a statement: the number of rows it touched.
    pub(super) fn execute<'a, Q>(&'a self, query: Q) -> BoxFuture<'a, StoreResult<usize>>
    where
        Q: QueryFragment<B::Dialect> + Send + 'a,
    {
        let Ok(connection) = self.connection() else { return ready(Err(StoreError::Aborted)).boxed() };
        let span = statement::span::<B>(&query);
        let query = Kept::new(query, true);
        self.run(span, async { RunQueryDsl::execute(query, &mut B::lend(connection).await).await }.boxed())
    }

    /// Runs a statement that changes rows, and returns some.
    pub(super) fn load_returned<'a, Q, T>(&'a self, query: Q) -> BoxFuture<'a, StoreResult<Vec<T>>>
    where
        Q: AsQuery,
        Kept<Q::Query>: QueryFragment<B::Dialect> + for<'c> LoadQuery<'a, B::Lent<'c>, T> + Send + 'a,
        T: Send + 'a,
    {
        self.load(Kept::new(query.as_query(), B::LISTS_ARE_PARAMETERS))
    }

    /// Runs a statement that changes one row or none, and returns it.
    pub(super) fn find_returned<'a, Q, T>(&'a self, query: Q) -> BoxFuture<'a, StoreResult<Option<T>>>
    where
        Q: AsQuery,
        Kept<Q::Query>: QueryFragment<B::Dialect> + for<'c> LoadQuery<'a, B::Lent<'c>, T> + Send + 'a,
        T: Send + 'a,
    {
        self.find(Kept::new(query.as_query(), B::LISTS_ARE_PARAMETERS))
    }

    /// Runs a query: its rows.
    pub(super) fn load<'a, Q, T>(&'a self, query: Q) -> BoxFuture<'a, StoreResult<Vec<T>>>
    where
        Q: QueryFragment<B::Dialect> + for<'c> LoadQuery<'a, B::Lent<'c>, T> + Send + 'a,
        T: Send + 'a,
    {
        let Ok(connection) = self.connection() else { return ready(Err(StoreError::Aborted)).boxed() };
        let span = statement::span::<B>(&query);
        self.run(span, async { RunQueryDsl::load(query, &mut B::lend(connection).await).await }.boxed())
    }

    /// Runs a query that finds one row or none.
    pub(super) fn find<'a, Q, T>(&'a self, query: Q) -> BoxFuture<'a, StoreResult<Option<T>>>
    where
        Q: QueryFragment<B::Dialect> + for<'c> LoadQuery<'a, B::Lent<'c>, T> + Send + 'a,
        T: Send + 'a,
    {
        self.load(query).map_ok(|rows| rows.into_iter().next()).boxed()
    }

    /// Sends a statement, in a transaction of its own where it takes one. The statement is boxed: what surrounds it exists
    /// once for each kind of result, and not for each of hundreds of statements.
    fn run<'a, T>(&'a self, span: Span, statement: Statement<'a, T>) -> BoxFuture<'a, StoreResult<T>>
    where
        T: Send + 'a,
    {
        async move {
            if !self.is_alone()? {
                return self.send(span, statement).await;
            }
            let _turn = self.alone.lock().await;
            self.state().is_of_one_statement = true;
            self.begin().await?;
            let outcome = self.send(span, statement).await?;
            match self.commit().await {
                // Units without a transaction only read, so that there is nothing to be uncertain about.
                Err(StoreError::OutcomeUnknown(cause)) => Err(StoreError::Unavailable(cause)),
                committed => committed.map(|()| outcome),
            }
        }
        .boxed()
    }

    /// Whether a statement takes a transaction of its own. The one that is open may be that of another such statement.
    fn is_alone(&self) -> StoreResult<bool> {
        let state = self.state();
        Ok(B::is_shared(self.connection()?) && (state.is_of_one_statement || state.phase == Phase::Outside))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connection(&self) -> StoreResult<&B::Type> {
        self.connection.as_deref().ok_or(StoreError::Aborted)
    }

    /// Sends a statement, after the one that begins the transaction, if that is due, and waits for the answers.
    async fn send<T>(&self, span: Span, statement: Statement<'_, T>) -> StoreResult<T> {
        let connection = self.connection()?;
        let is_begin_due = self.start()?;
        let answered = async {
            if is_begin_due {
                let begin = B::begin(connection);
                let begin = async { B::lend(connection).await.batch_execute(&begin).await };
                let both = join(begin, statement).map(|(begun, outcome)| begun.and(outcome));
                self.limit.wait(both).await
            } else {
                self.limit.wait(statement).await
            }
        };
        self.settle(statement::within(span, answered).await)
    }

    /// Notes that a statement is sent. Whether the transaction has to begin first.
    fn start(&self) -> StoreResult<bool> {
        let mut state = self.state();
        if state.phase == Phase::Inside && state.has_failed {
            return Err(StoreError::Aborted);
        }
        state.unanswered += 1;
        let is_due = state.phase == Phase::Due;
        if is_due {
            state.phase = Phase::Inside;
        }
        Ok(is_due)
    }

    fn settle<T>(&self, outcome: Option<QueryResult<T>>) -> StoreResult<T> {
        self.state().unanswered -= 1;
        match outcome {
            Some(Ok(value)) => Ok(value),
            Some(Err(failure)) => Err(self.fail(Some(failure))),
            None => Err(self.fail(None)),
        }
    }

    /// What is told of a statement that failed, or was not answered in time.
    fn fail(&self, failure: Option<diesel::result::Error>) -> StoreError {
        let mut state = self.state();
        state.has_failed = true;
        let Some(failure) = failure else {
            state.wire = Wire::Silent;
            return error::unavailable("the database did not answer in time");
        };
        let connection = self.connection.as_deref();
        let further = |message: &str| connection.map_or(Trouble::Lost, |known| B::trouble(known, message));
        if error::trouble(&failure, further) == Trouble::Lost {
            state.wire = Wire::Lost;
        }
        error::from_diesel(failure, further)
    }
}

impl<B: Backend> Drop for Unit<B> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        match Handle::try_current() {
            _ if state.phase != Phase::Inside && !state.is_in_doubt() => drop(connection),
            _ if state.is_in_doubt() && B::is_shared(&connection) => drop(Object::take(connection)),
            Ok(runtime) if state.wire == Wire::Whole => {
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
