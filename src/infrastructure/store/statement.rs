//! What traces tell of statements: what they do, to which table, how long it took, and never a value.

use diesel::QueryResult;
use diesel::query_builder::{QueryBuilder as _, QueryFragment};
use diesel::result::Error;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use super::unit::Backend;

/// The span of a statement of diesel. While there are no traces, its text is not made.
pub(super) fn span<B: Backend>(query: &impl QueryFragment<B::Dialect>) -> Span {
    span_of::<B>(|| {
        let mut builder = <B::Dialect as diesel::backend::Backend>::QueryBuilder::default();
        query.to_sql(&mut builder, &B::Dialect::default()).map(|()| builder.finish()).unwrap_or_default()
    })
}

/// The span of a statement with this text, which has no values in it.
pub(super) fn span_of<B: Backend>(text: impl FnOnce() -> String) -> Span {
    let span = tracing::trace_span!(
        "statement",
        otel.name = Empty,
        otel.kind = "client",
        db.system.name = B::SYSTEM,
        db.operation.name = Empty,
        db.collection.name = Empty,
        error.type = Empty,
    );
    if !span.is_disabled() {
        let text = text();
        let (operation, table) = outline(&text);
        span.record("otel.name", format!("{operation} {}", table.unwrap_or_default()).trim_end());
        span.record("db.operation.name", operation);
        span.record("db.collection.name", table);
    }
    span
}

/// Waits for a statement in its span.
pub(super) async fn within<T>(
    span: Span,
    work: impl Future<Output = Option<QueryResult<T>>>,
) -> Option<QueryResult<T>> {
    let outcome = work.instrument(span.clone()).await;
    let error = match &outcome {
        Some(Ok(_)) => return outcome,
        Some(Err(Error::DatabaseError(kind, _))) => format!("{kind:?}"),
        Some(Err(_)) => "other".to_owned(),
        None => "timeout".to_owned(),
    };
    span.record("error.type", error);
    outcome
}

/// The first word of a statement, and the first table that it names.
fn outline(text: &str) -> (&str, Option<&str>) {
    let is_other = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    let mut words = text.split(is_other).filter(|word| !word.is_empty());
    let operation = words.next().unwrap_or_default();
    if operation == "UPDATE" {
        return (operation, words.next());
    }
    words.find(|word| ["FROM", "INTO", "UPDATE"].contains(word));
    (operation, words.next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_outlined_by_what_it_does_and_to_which_table() {
        for (text, operation, table) in [
            (r#"SELECT "users"."id" FROM ("users" INNER JOIN "roles" ON 1 = 1) WHERE x = $1"#, "SELECT", Some("users")),
            (r#"INSERT INTO "sessions" ("id") VALUES ($1)"#, "INSERT", Some("sessions")),
            (r#"UPDATE "sessions" SET "from" = ?"#, "UPDATE", Some("sessions")),
            (r#"DELETE  FROM "jobs" WHERE 1 = 1"#, "DELETE", Some("jobs")),
            ("WITH gone AS (DELETE FROM jobs RETURNING id) SELECT count(*) FROM gone", "WITH", Some("jobs")),
            ("COMMIT", "COMMIT", None),
            ("", "", None),
        ] {
            assert_eq!(outline(text), (operation, table), "{text}");
        }
    }
}
