//! Follows tables in the order of their commits: misses no row, whatever the order in which numbers become visible.
//!
//! To follow a table, give it a column `sequence` that the database fills, say `sequenced!` of its row, and `follow` it.
//!
//! Whoever adds a row locks the table first, takes a number then, and gives the lock back after the end of the
//! transaction shows to others. So all numbers below a visible one have been taken, and the missing ones belong to
//! transactions that held the lock when it was seen, or had ended. Once those have ended, what is still missing never
//! comes. Writers do nothing for this: every insert takes that lock anyway.

mod advance;
#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;

use crate::application::ports::{Position, StoreResult};

use advance::{Advance, Found};

/// What happens to a row while one with a lower number may still appear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    /// It is passed on, and the one with the lower number later.
    AtOnce,
    /// It is held back, so that rows come in the order of their numbers.
    InOrder,
}

/// A row of a table that is followed on a unit of work `U`.
pub(super) trait SequencedRow<U>: Sized {
    /// How its readers want it.
    const DELIVERY: Delivery;

    /// Its number.
    fn sequence(&self) -> i64;

    /// Up to `limit` rows that are visible, in the order of their numbers.
    fn load(unit: &U, unread: &Unread, limit: i64) -> impl Future<Output = StoreResult<Vec<Self>>> + Send;

    /// The transactions in flight that may have taken a number.
    fn writers(unit: &U) -> impl Future<Output = StoreResult<Vec<String>>> + Send;
}

/// Which numbers a reader asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unread {
    /// All above this one.
    pub(super) above: i64,
    /// These as well.
    pub(super) and: Vec<RangeInclusive<i64>>,
}

impl Unread {
    fn new(position: &Position, delivery: Delivery) -> Self {
        match delivery {
            Delivery::AtOnce => {
                let and = position.unsettled.iter().map(|gap| gap.numbers.clone()).collect();
                Self { above: position.seen, and }
            }
            Delivery::InOrder => Self { above: position.watermark(), and: Vec::new() },
        }
    }
}

/// Makes a row that has its `sequence` the row of a table that is followed.
macro_rules! sequenced {
    ($row:ident of $table:ident, $delivery:ident) => {
        const _: () = {
            use super::backend::{Unit, dialect};
            use $crate::infrastructure::store::commit_order::{Delivery, SequencedRow, Unread};

            impl SequencedRow<Unit> for $row {
                const DELIVERY: Delivery = Delivery::$delivery;

                fn sequence(&self) -> i64 {
                    self.sequence
                }

                async fn load(unit: &Unit, unread: &Unread, limit: i64) -> StoreResult<Vec<Self>> {
                    let mut query = $table::table.filter($table::sequence.gt(unread.above)).into_boxed();
                    for numbers in &unread.and {
                        query = query.or_filter($table::sequence.between(*numbers.start(), *numbers.end()));
                    }
                    unit.load(query.order($table::sequence).limit(limit).select(Self::as_select())).await
                }

                async fn writers(unit: &Unit) -> StoreResult<Vec<String>> {
                    dialect::writers(unit, stringify!($table)).await
                }
            }
        };
    };
}
pub(super) use sequenced;

/// Up to `limit` rows that a position has not seen, each made a `T`, and moves the position. If that fails, the position
/// stays. Not to be called in a transaction, which would see the writers of one moment and the rows of another.
pub(super) async fn follow<U, R, T>(
    unit: &U,
    position: &mut Position,
    limit: i64,
    convert: fn(R) -> StoreResult<T>,
) -> StoreResult<Vec<T>>
where
    U: Send,
    R: SequencedRow<U> + Send,
{
    let (mut next, mut rows) = look::<U, R>(unit, position, limit).await?;
    if R::DELIVERY == Delivery::InOrder {
        // Nobody is left who could fill the first gap, unless it was done since the rows were read: one more look tells.
        while !is_any_final::<U, R>(&rows, &next) && next.unsettled.first().is_some_and(|gap| gap.writers.is_empty()) {
            (next, rows) = look(unit, &next, limit).await?;
        }
        rows.retain(|row: &R| row.sequence() <= next.watermark());
    }
    let converted = rows.into_iter().map(convert).collect::<StoreResult<_>>()?;
    *position = next;
    Ok(converted)
}

/// Whether no lower number than that of the first row can appear any more.
fn is_any_final<U, R: SequencedRow<U>>(rows: &[R], position: &Position) -> bool {
    rows.first().is_some_and(|first| first.sequence() <= position.watermark())
}

/// The visible rows, and the position after them. Who holds the lock is asked before the rows are read, for the missing
/// numbers of the position, and again afterwards, for new ones.
async fn look<U, R>(unit: &U, position: &Position, limit: i64) -> StoreResult<(Position, Vec<R>)>
where
    U: Send,
    R: SequencedRow<U> + Send,
{
    let has_owner = position.unsettled.iter().any(|gap| !gap.writers.is_empty());
    let in_flight = if has_owner { R::writers(unit).await? } else { Vec::new() };
    let rows = R::load(unit, &Unread::new(position, R::DELIVERY), limit).await?;
    let numbers: Vec<i64> = rows.iter().map(R::sequence).collect();
    let is_all = i64::try_from(rows.len()).is_ok_and(|count| count < limit);
    let looked_up_to = numbers.last().filter(|_| !is_all).copied().unwrap_or(i64::MAX);
    let advance = Advance::new(position, &Found { numbers: &numbers, looked_up_to, in_flight: &in_flight });
    let writers = if advance.has_new_gap() { R::writers(unit).await? } else { Vec::new() };
    let mut next = advance.finish(&writers);
    if R::DELIVERY == Delivery::InOrder {
        // What was held back beyond is to be read again, so it must not count as seen.
        advance::forget_beyond(&mut next, looked_up_to);
    }
    Ok((next, rows))
}
