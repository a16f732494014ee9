//! What an operator is to change when the database refuses what the service cannot do without.

use crate::application::ports::StoreError;
use crate::infrastructure::store::error::unavailable;
use crate::infrastructure::tls_fault::tls_fault;

const SHARED_SESSION: &str =
    "a pooler gives each transaction another session: leave IPSE_DATABASE_POOLING out or set it to transaction";
const NOT_GRANTED: &str = "run `ipse migrate` as the role that owns the tables, with IPSE_DATABASE_RUNTIME_ROLE if the service runs as another";

/// What PgBouncer says, in English and with one code for all of it.
const POOLER: [(&str, &str); 4] = [
    ("statement pooling mode", "set pool_mode of PgBouncer to transaction or session"),
    (
        "no more connections allowed",
        "raise max_client_conn of PgBouncer, or lower IPSE_DATABASE_MAX_CONNECTIONS of the services before it",
    ),
    (
        "query_wait_timeout",
        "raise default_pool_size of PgBouncer, or lower IPSE_DATABASE_MAX_CONNECTIONS of the services before it",
    ),
    ("no such database", "add the database to those of PgBouncer"),
];

/// What to do about an SQLSTATE that tells of how the database is set up.
pub(super) const fn of_code(code: [u8; 5]) -> Option<&'static str> {
    match &code {
        // A statement was prepared that another client had prepared, or is gone.
        b"42P05" | b"26000" => Some(SHARED_SESSION),
        // A right is missing, a table, a function or the schema.
        b"42501" | b"42P01" | b"42883" | b"3F000" => Some(NOT_GRANTED),
        _ => None,
    }
}

/// What to do about a text that a pooler sends in place of the server.
pub(super) fn of_pooler(message: &str) -> Option<&'static str> {
    POOLER.into_iter().find(|(words, _)| message.contains(words)).map(|(_, advice)| advice)
}

/// An error of a connection that serves nobody yet.
pub(super) fn refused(error: tokio_postgres::Error) -> StoreError {
    let advice = error.as_db_error().and_then(|refusal| {
        let code = <[u8; 5]>::try_from(refusal.code().code().as_bytes()).ok();
        let advice = of_pooler(refusal.message()).or_else(|| code.and_then(of_code))?;
        Some(format!("{}: {advice}", refusal.message()))
    });
    match advice.or_else(|| tls_fault(&error)) {
        Some(words) => unavailable(words),
        None => unavailable(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pooler_is_known_by_its_words() {
        for (message, setting) in [
            ("transaction blocks not allowed in statement pooling mode", "pool_mode"),
            ("no more connections allowed (max_client_conn)", "max_client_conn"),
            ("query_wait_timeout", "default_pool_size"),
            ("no such database: ipse", "PgBouncer"),
        ] {
            assert!(of_pooler(message).unwrap().contains(setting), "{message}");
        }
        assert_eq!(of_pooler("unsupported startup parameter: options"), None);
    }
}
