use std::ops::Bound;

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use super::{InvalidFilter, Operator, Term};
use crate::domain::Timestamp;
use crate::domain::interval::Interval;

const NANOS_PER_MICRO: u32 = 1_000;

impl Term {
    /// The times that the comparison means: a time (RFC 3339) of at most microseconds with `=`, `<`, `<=`, `>` or `>=`.
    pub fn times(&self) -> Result<Interval<Timestamp>, InvalidFilter> {
        let everything = Interval::default();
        let time = OffsetDateTime::parse(self.whole()?, &Rfc3339).ok();
        // What has no place in the calendar in UTC has none in the stores.
        let time = time
            .and_then(|time| time.checked_to_offset(UtcOffset::UTC))
            .filter(|time| time.nanosecond() % NANOS_PER_MICRO == 0)
            .ok_or_else(|| {
                self.value.refuse("must have a time such as 2026-03-01T12:00:00Z, of at most microseconds (RFC 3339)")
            })?;
        Ok(match self.operator.part {
            Operator::Equal => Interval::point(time),
            Operator::Less => Interval { to: Bound::Excluded(time), ..everything },
            Operator::LessOrEqual => Interval { to: Bound::Included(time), ..everything },
            Operator::Greater => Interval { from: Bound::Excluded(time), ..everything },
            Operator::GreaterOrEqual => Interval { from: Bound::Included(time), ..everything },
            Operator::NotEqual | Operator::Has => {
                return Err(self.operator.refuse("must compare this field with = < <= > or >="));
            }
        })
    }
}
