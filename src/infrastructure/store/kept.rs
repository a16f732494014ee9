//! Statements that stay prepared on their connection.

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};

/// A statement that is prepared once for each connection, if its text is the same each time.
///
/// By itself, diesel prepares every INSERT and UPDATE anew, because it cannot tell whether a value was left out of the text:
/// on PostgreSQL that is one more round trip for each of them, before which nothing else can be sent. Texts are told apart
/// here, so that a value may well be left out. Lists of values must not be in a text, as there would be one for each length;
/// and queries whose plan depends on the values are not for it, as a plan may be kept with the text.
pub(super) struct Kept<Q> {
    query: Q,
    has_one_text: bool,
}

impl<Q> Kept<Q> {
    /// This statement, kept if it has the same text each time.
    pub(super) const fn new(query: Q, has_one_text: bool) -> Self {
        Self { query, has_one_text }
    }
}

impl<Q, DB: Backend> QueryFragment<DB> for Kept<Q>
where
    Q: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.query.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, backend: &DB) -> QueryResult<bool> {
        Ok(self.has_one_text || self.query.is_safe_to_cache_prepared(backend)?)
    }
}

/// Without an id of its type, a statement is looked up by its text.
impl<Q> QueryId for Kept<Q> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Kept<Q> {
    type SqlType = Q::SqlType;
}
