use diesel::result::{DatabaseErrorKind, Error};

use crate::application::ports::{Cause, StoreError, StoreResult};

/// What an error of the database tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// A unique value is there already.
    Conflict,
    /// Other transactions are in the way; the same again may do.
    Contention,
    /// The database has no room or no time.
    Unavailable,
    /// The same, and the connection is of no more use: closed, about to be, or to a server that takes no writes.
    Lost,
    /// How the database is set up does not let the service work, and what to do about it.
    Refused(&'static str),
    /// Nothing that was foreseen.
    Unexpected,
}

/// What an error tells of. `further` tells it of one that diesel has no kind for, by the text or what it knows beside it.
pub(super) fn trouble(error: &Error, further: impl FnOnce(&str) -> Trouble) -> Trouble {
    use DatabaseErrorKind::{
        ClosedConnection, ReadOnlyTransaction, SerializationFailure, UnableToSendCommand, UniqueViolation,
    };
    match error {
        Error::DatabaseError(UniqueViolation, _) => Trouble::Conflict,
        Error::DatabaseError(SerializationFailure, _) => Trouble::Contention,
        Error::DatabaseError(ClosedConnection | ReadOnlyTransaction | UnableToSendCommand, _) => Trouble::Lost,
        Error::DatabaseError(_, information) => further(information.message()),
        _ => Trouble::Unexpected,
    }
}

/// The error that the application sees. Its text is for the log; details, which may hold stored values, are left out.
pub(super) fn from_diesel(error: Error, further: impl FnOnce(&str) -> Trouble) -> StoreError {
    match (trouble(&error, further), &error) {
        (Trouble::Conflict, _) => StoreError::Conflict(error.into()),
        (Trouble::Contention, _) => StoreError::Contention(error.into()),
        (Trouble::Unavailable | Trouble::Lost, _) => StoreError::Unavailable(error.into()),
        (Trouble::Refused(advice), _) => StoreError::Corrupt(format!("{error}: {advice}")),
        (Trouble::Unexpected, Error::DatabaseError(DatabaseErrorKind::Unknown, information)) => {
            StoreError::Corrupt(information.message().to_owned())
        }
        (Trouble::Unexpected, Error::DatabaseError(kind, information)) => {
            StoreError::Corrupt(format!("{kind:?}: {}", information.message()))
        }
        (Trouble::Unexpected, _) => StoreError::Corrupt(error.to_string()),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn map(kind: DatabaseErrorKind, further: Trouble) -> StoreError {
        from_diesel(Error::DatabaseError(kind, Box::new("x".to_owned())), |_| further)
    }

    #[test]
    fn what_diesel_knows_goes_before_what_is_known_beside_it() {
        use DatabaseErrorKind::{
            CheckViolation, ReadOnlyTransaction, SerializationFailure, UnableToSendCommand, UniqueViolation, Unknown,
        };
        use Trouble::{Contention, Lost, Unavailable, Unexpected};
        for further in [Contention, Unavailable, Lost, Unexpected] {
            assert!(matches!(map(SerializationFailure, further), StoreError::Contention(_)));
            assert!(matches!(map(UniqueViolation, further), StoreError::Conflict(_)));
            assert!(matches!(map(UnableToSendCommand, further), StoreError::Unavailable(_)));
            assert!(matches!(map(ReadOnlyTransaction, further), StoreError::Unavailable(_)));
        }
        assert!(matches!(map(Unknown, Contention), StoreError::Contention(_)));
        assert!(matches!(map(Unknown, Unavailable), StoreError::Unavailable(_)));
        assert!(matches!(map(Unknown, Lost), StoreError::Unavailable(_)));
        assert!(matches!(map(CheckViolation, Unexpected), StoreError::Corrupt(_)));
        let refused = map(Unknown, Trouble::Refused("run `ipse migrate`")).to_string();
        assert!(refused.ends_with(": x: run `ipse migrate`"), "{refused}");
        assert!(matches!(from_diesel(Error::NotFound, |_| Contention), StoreError::Corrupt(_)));
    }
}
