//! How ids and times stand in columns.

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types;
use diesel::sqlite::{Sqlite, SqliteValue};
use uuid::Uuid;

use crate::domain::Timestamp;

const NANOS_PER_MICRO: i128 = 1_000;

/// An id: the 16 bytes of a UUID.
#[derive(Debug, Clone, Copy, AsExpression, FromSqlRow)]
#[diesel(sql_type = sql_types::Binary)]
pub(super) struct DbId(pub(super) Uuid);

impl ToSql<sql_types::Binary, Sqlite> for DbId {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.as_bytes().as_slice());
        Ok(IsNull::No)
    }
}

impl FromSql<sql_types::Binary, Sqlite> for DbId {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let bytes = <Vec<u8> as FromSql<sql_types::Binary, Sqlite>>::from_sql(value)?;
        Ok(Self(Uuid::from_slice(&bytes)?))
    }
}

/// A time: microseconds since 1970.
#[derive(Debug, Clone, Copy, AsExpression, FromSqlRow)]
#[diesel(sql_type = sql_types::BigInt)]
pub(super) struct DbTime(pub(super) Timestamp);

impl ToSql<sql_types::BigInt, Sqlite> for DbTime {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(i64::try_from(self.0.unix_timestamp_nanos().div_euclid(NANOS_PER_MICRO))?);
        Ok(IsNull::No)
    }
}

impl FromSql<sql_types::BigInt, Sqlite> for DbTime {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let micros = <i64 as FromSql<sql_types::BigInt, Sqlite>>::from_sql(value)?;
        Ok(Self(Timestamp::from_unix_timestamp_nanos(i128::from(micros) * NANOS_PER_MICRO)?))
    }
}
