//! What stands between a connection and a session of PostgreSQL. A pooler such as PgBouncer may run each transaction in
//! another session: what one of them sets, prepares or listens for is then another client's, or gone.

use std::error::Error;
use std::sync::{Arc, Once, OnceLock};

use tokio_postgres::error::SqlState;
use tokio_postgres::{Config, SimpleQueryMessage};

use crate::infrastructure::store::DatabaseSettings;

/// What a connection leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// To one session, for as long as it is open.
    Session,
    /// To any session, from one transaction to the next.
    Transaction,
}

/// Finds out once what connections lead to, unless an operator has said it. PostgreSQL takes options of the session at the
/// start of a connection, which poolers refuse or leave out: their sessions are others'.
#[derive(Clone)]
pub(super) struct PoolingProbe {
    told: Option<Pooling>,
    found: Arc<OnceLock<Pooling>>,
}

/// Asks whether the session has what the connection began with.
pub(super) const IS_MARKED: &str = "SELECT current_setting('ipse.session', true)";
const MARK: &str = "-c ipse.session=own";

impl PoolingProbe {
    pub(super) fn new(told: Option<Pooling>) -> Self {
        Self { told, found: Arc::default() }
    }

    pub(super) fn known(&self) -> Option<Pooling> {
        self.told.or_else(|| self.found.get().copied())
    }

    pub(super) fn found(&self, is_own_session: bool) -> Pooling {
        static SAID: Once = Once::new();
        if !is_own_session {
            SAID.call_once(|| {
                tracing::info!(
                    "the database is behind a pooler: no state of a session is relied on, see IPSE_DATABASE_POOLING"
                );
            });
        }
        *self.found.get_or_init(|| if is_own_session { Pooling::Session } else { Pooling::Transaction })
    }
}

/// The same connection, which asks for an option that means nothing.
pub(super) fn marked(config: &Config) -> Config {
    let mut marked = config.clone();
    marked.options(format!("{} {MARK}", config.get_options().unwrap_or_default()).trim().to_owned());
    marked
}

/// Whether the answer to `IS_MARKED` says so.
pub(super) fn is_marked(answer: &[SimpleQueryMessage]) -> bool {
    first_value(answer) == Some("own")
}

/// Whether somebody refused the connection for its options, as it seems: PgBouncer as a breach of the protocol, others as
/// unsupported. Whatever else it was shows again without them.
pub(super) fn refuses_the_mark(error: &(dyn Error + Send + Sync + 'static)) -> bool {
    let code = error.downcast_ref::<tokio_postgres::Error>().and_then(tokio_postgres::Error::code);
    code.is_some_and(|code| [SqlState::PROTOCOL_VIOLATION, SqlState::FEATURE_NOT_SUPPORTED].contains(code))
}

/// The first column of the first row.
fn first_value(answer: &[SimpleQueryMessage]) -> Option<&str> {
    answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    })
}

/// How long the server works on a statement, waits for a lock, and waits for the next statement of a transaction.
#[derive(Clone)]
pub(super) struct SessionLimits([(&'static str, u128); 3]);

impl SessionLimits {
    pub(super) fn new(settings: &DatabaseSettings) -> Self {
        Self([
            ("statement_timeout", settings.statement_timeout.as_millis()),
            ("lock_timeout", settings.lock_timeout.as_millis()),
            ("idle_in_transaction_session_timeout", super::connector::IDLE_IN_TRANSACTION.as_millis()),
        ])
    }

    /// The statements that set them, `SET` or `SET LOCAL`.
    pub(super) fn set(&self, set: &str) -> String {
        self.0.map(|(name, milliseconds)| format!("{set} {name} = {milliseconds}")).join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_of_the_url_stay() {
        let options = |url: &str| marked(&url.parse().unwrap()).get_options().map(str::to_owned).unwrap();
        assert_eq!(options("postgres://u@h/d"), MARK);
        assert_eq!(options("postgres://u@h/d?options=-c%20search_path%3Dx"), format!("-c search_path=x {MARK}"));
    }

    #[test]
    fn what_is_told_is_not_looked_for_and_what_is_found_stays() {
        assert_eq!(PoolingProbe::new(Some(Pooling::Session)).known(), Some(Pooling::Session));
        let probe = PoolingProbe::new(None);
        assert_eq!((probe.known(), probe.found(false)), (None, Pooling::Transaction));
        assert_eq!((probe.clone().known(), probe.found(true)), (Some(Pooling::Transaction), Pooling::Transaction));
    }

    #[test]
    fn a_transaction_has_the_limits_of_a_session() {
        let limits = SessionLimits([("statement_timeout", 5000), ("lock_timeout", 2000), ("x", 1)]);
        assert_eq!(
            limits.set("SET LOCAL"),
            "SET LOCAL statement_timeout = 5000; SET LOCAL lock_timeout = 2000; SET LOCAL x = 1"
        );
    }
}
