use std::time::Duration;

use async_trait::async_trait;

use super::{
    AccessChanges, ActionTokens, AnsweredRequests, ApiKeys, AuditEvents, BulkUsers, Challenges, ClockCorrections,
    Credentials, Factors, Jobs, Roles, SealedRows, ServerSecrets, ServiceAccounts, Sessions, SigningKeys, Throttles,
    Users,
};

/// What a store operation yields.
pub type StoreResult<T> = Result<T, StoreError>;

/// Why the store did not do something. The set is closed: a use case can handle each case, and the sources are for the
/// log alone.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Other transactions were in the way (serialisation, deadlock, lock time-out). Nothing was changed.
    #[error("the store could not serialise the change")]
    Contention(#[source] Cause),
    /// The database cannot be reached, or no connection was free in time. Nothing was changed.
    #[error("the store cannot be reached")]
    Unavailable(#[source] Cause),
    /// The connection was lost while a change was being committed: it may be there or not.
    #[error("it is uncertain whether the change was committed")]
    OutcomeUnknown(#[source] Cause),
    /// Something unique is there already. Inserts that may meet it say so without this error.
    #[error("something unique is there already")]
    Conflict(#[source] Cause),
    /// A statement of this transaction failed before, so it can only be rolled back.
    #[error("the transaction failed earlier and cannot be committed")]
    Aborted,
    /// A stored value has no meaning in the domain, or the database refused what it never should.
    #[error("the store holds or refused something unexpected: {0}")]
    Corrupt(String),
}

/// The boxed cause of an error, for the log alone.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A database, as a giver of units of work.
#[async_trait]
pub trait Store: Send + Sync {
    /// A unit of work that only reads, without a transaction: each query sees the newest committed state.
    async fn read(&self) -> StoreResult<Box<dyn Transaction>>;

    /// A unit of work like that of `read`, on a connection reserved for it: it does not wait for RPCs in flight, however
    /// many there are.
    async fn read_reserved(&self) -> StoreResult<Box<dyn Transaction>>;

    /// A unit of work in a transaction. Nothing it does is visible before `commit`; dropping it rolls it back.
    async fn write(&self) -> StoreResult<Box<dyn Transaction>>;

    /// Notifies other processes on the same database that access changes were committed. They may miss it.
    async fn notify(&self) -> StoreResult<()>;

    /// Calls `notified` whenever another process, or this one, may have sent a notification. Ends only by an error, or
    /// when it is dropped; in a store without notifications it waits for ever.
    async fn listen(&self, notified: &(dyn Fn() + Send + Sync)) -> StoreResult<()>;

    /// Whether the database answers.
    async fn ping(&self) -> StoreResult<()>;

    /// How busy the connections are now, by pool.
    fn pools(&self) -> Vec<PoolUse>;

    /// Makes what was erased unreadable in the database's own files, as far as that is the program's to do.
    async fn checkpoint(&self) -> StoreResult<()>;
}

/// How busy a pool of connections is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolUse {
    /// What tells the pool from the others of the store.
    pub name: &'static str,
    /// The most connections it opens.
    pub most: usize,
    /// Connections that do work.
    pub used: usize,
    /// Connections that are open and do nothing.
    pub idle: usize,
    /// Units of work that wait for a connection.
    pub waiting: usize,
    /// How long all units of work so far have waited for theirs.
    pub waited: Duration,
    /// How many of them got none in time.
    pub timeouts: u64,
}

/// A unit of work: all repositories on one connection.
///
/// Statements that are joined share the way to the database and are executed in the order in which their futures are polled
/// first, which is that of the arguments of `futures_util::future::try_join`. Macros that shuffle, such as `tokio::join`, are
/// for statements whose order does not matter.
#[async_trait]
pub trait Transaction:
    AccessChanges
    + ActionTokens
    + AnsweredRequests
    + ApiKeys
    + AuditEvents
    + BulkUsers
    + Challenges
    + ClockCorrections
    + Credentials
    + Factors
    + Jobs
    + Roles
    + SealedRows
    + ServerSecrets
    + ServiceAccounts
    + Sessions
    + SigningKeys
    + Throttles
    + Users
    + Send
    + Sync
{
    /// Makes the changes permanent. Fails with `Aborted` if any statement failed, even where the database would
    /// silently roll back.
    async fn commit(self: Box<Self>) -> StoreResult<()>;
}

impl<'u> dyn Transaction + 'u {
    /// What changes the worth of access tokens.
    pub fn access_changes(&self) -> &(dyn AccessChanges + 'u) {
        self
    }

    /// Mailed tokens.
    pub fn action_tokens(&self) -> &(dyn ActionTokens + 'u) {
        self
    }

    /// Calls that changed something, and their answers.
    pub fn answered_requests(&self) -> &(dyn AnsweredRequests + 'u) {
        self
    }

    /// API keys of service accounts.
    pub fn api_keys(&self) -> &(dyn ApiKeys + 'u) {
        self
    }

    /// The audit trail.
    pub fn audit_events(&self) -> &(dyn AuditEvents + 'u) {
        self
    }

    /// Many people at a time.
    pub fn bulk_users(&self) -> &(dyn BulkUsers + 'u) {
        self
    }

    /// Sign-ins that wait for their next proof.
    pub fn challenges(&self) -> &(dyn Challenges + 'u) {
        self
    }

    /// What was stored while the clock was ahead.
    pub fn clock_corrections(&self) -> &(dyn ClockCorrections + 'u) {
        self
    }

    /// Second factors.
    pub fn factors(&self) -> &(dyn Factors + 'u) {
        self
    }

    /// Passwords.
    pub fn credentials(&self) -> &(dyn Credentials + 'u) {
        self
    }

    /// The jobs.
    pub fn jobs(&self) -> &(dyn Jobs + 'u) {
        self
    }

    /// Roles and who has them.
    pub fn roles(&self) -> &(dyn Roles + 'u) {
        self
    }

    /// Everything that is sealed.
    pub fn sealed_rows(&self) -> &(dyn SealedRows + 'u) {
        self
    }

    /// Secrets of the installation.
    pub fn server_secrets(&self) -> &(dyn ServerSecrets + 'u) {
        self
    }

    /// Service accounts.
    pub fn service_accounts(&self) -> &(dyn ServiceAccounts + 'u) {
        self
    }

    /// Sessions.
    pub fn sessions(&self) -> &(dyn Sessions + 'u) {
        self
    }

    /// Keys that sign access tokens.
    pub fn signing_keys(&self) -> &(dyn SigningKeys + 'u) {
        self
    }

    /// Counters of attempts.
    pub fn throttles(&self) -> &(dyn Throttles + 'u) {
        self
    }

    /// People.
    pub fn users(&self) -> &(dyn Users + 'u) {
        self
    }
}
