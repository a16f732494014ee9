use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error};

use crate::application::ports::{Cause, StoreError, StoreResult};

/// How errors begin that other transactions caused. Neither driver hands SQLSTATE codes through diesel, so the text
/// stands for 40P01 and 55P03, and for `SQLITE_BUSY` and `SQLITE_LOCKED`. Connections ask PostgreSQL for English.
const CONTENTION: [&str; 5] = [
    "deadlock detected",
    "canceling statement due to lock timeout",
    "could not obtain lock",
    "database is locked",
    "database table is locked",
];

/// How errors begin that a server in trouble causes: 57014, 57P01 to 57P05, 25P03, 53300, and those of a full disk, 53100
/// and `SQLITE_FULL`.
const UNAVAILABLE: [&str; 7] = [
    "canceling statement",
    CLOSING,
    "the database system is",
    "sorry, too many clients",
    "could not extend file",
    "could not write to file",
    "database or disk is full",
];

/// How a server begins its last words on a connection.
const CLOSING: &str = "terminating connection";

/// The error that the application sees. Its text is for the log; details, which may hold stored values, are left out.
pub(super) fn from_diesel(error: Error) -> StoreError {
    match &error {
        Error::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => StoreError::Contention(error.into()),
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => StoreError::Conflict(error.into()),
        lost if is_connection_lost(lost) => StoreError::Unavailable(error.into()),
        Error::DatabaseError(kind, information) => from_message(*kind, information.as_ref()),
        _ => StoreError::Corrupt(error.to_string()),
    }
}

/// Whether the connection is of no more use: closed, about to be, or to a server that lost its primary role.
pub(super) fn is_connection_lost(error: &Error) -> bool {
    use DatabaseErrorKind::{ClosedConnection, ReadOnlyTransaction, UnableToSendCommand};
    match error {
        Error::DatabaseError(ClosedConnection | ReadOnlyTransaction | UnableToSendCommand, _) => true,
        Error::DatabaseError(_, information) => information.message().starts_with(CLOSING),
        _ => false,
    }
}

/// An error of reaching the database.
pub(super) fn unavailable(cause: impl Into<Cause>) -> StoreError {
    StoreError::Unavailable(cause.into())
}

/// The value that was read from `place`, a table and column, if it has a meaning in the domain. The stored value itself
/// stays out of the error.
pub(super) fn meaning<T>(read: Option<T>, place: &'static str) -> StoreResult<T> {
    read.ok_or_else(|| StoreError::Corrupt(format!("a value in {place} has no meaning")))
}

fn from_message(kind: DatabaseErrorKind, information: &(dyn DatabaseErrorInformation + Send + Sync)) -> StoreError {
    let message = information.message();
    let begins_like_one_of = |starts: &[&str]| starts.iter().any(|start| message.starts_with(start));
    if begins_like_one_of(&CONTENTION) {
        StoreError::Contention(message.into())
    } else if begins_like_one_of(&UNAVAILABLE) {
        StoreError::Unavailable(message.into())
    } else {
        StoreError::Corrupt(format!("{kind:?}: {message}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(kind: DatabaseErrorKind, message: &str) -> StoreError {
        from_diesel(Error::DatabaseError(kind, Box::new(message.to_owned())))
    }

    #[test]
    fn what_other_transactions_cause_is_contention() {
        assert!(matches!(map(DatabaseErrorKind::SerializationFailure, "x"), StoreError::Contention(_)));
        for message in ["deadlock detected", "canceling statement due to lock timeout", "database is locked"] {
            assert!(matches!(map(DatabaseErrorKind::Unknown, message), StoreError::Contention(_)), "{message}");
        }
    }

    #[test]
    fn what_a_server_in_trouble_causes_is_unavailability() {
        for message in [
            "canceling statement due to statement timeout",
            "terminating connection due to administrator command",
            "the database system is shutting down",
            "could not extend file \"base/16384/16397\": No space left on device",
            "database or disk is full",
        ] {
            assert!(matches!(map(DatabaseErrorKind::Unknown, message), StoreError::Unavailable(_)), "{message}");
        }
        for kind in [DatabaseErrorKind::UnableToSendCommand, DatabaseErrorKind::ReadOnlyTransaction] {
            assert!(matches!(map(kind, "x"), StoreError::Unavailable(_)));
        }
    }

    #[test]
    fn everything_else_is_unexpected() {
        assert!(matches!(map(DatabaseErrorKind::CheckViolation, "x"), StoreError::Corrupt(_)));
        assert!(matches!(from_diesel(Error::NotFound), StoreError::Corrupt(_)));
    }
}
