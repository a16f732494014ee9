//! How far a reader has come who follows a table in the order of its commits.

use std::ops::RangeInclusive;

/// A reader's place in a table whose rows have numbers that grow and are never used again. Numbers become visible in
/// another order than they are taken, so some below the greatest may be missing. To continue in another process, keep
/// `watermark` and begin with `after` it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Position {
    /// The greatest number that was seen.
    pub seen: i64,
    /// Which numbers below may still appear, in order.
    pub unsettled: Vec<Gap>,
}

/// Numbers that are missing in what a reader saw: taken by transactions that may still be in flight, or that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Which.
    pub numbers: RangeInclusive<i64>,
    /// The transactions that may own one of them, as the store tells them apart.
    pub writers: Vec<String>,
}

impl Position {
    /// The place of a reader who knows all rows with a number up to this one; zero for the beginning.
    #[must_use]
    pub const fn after(number: i64) -> Self {
        Self { seen: number, unsettled: Vec::new() }
    }

    /// The number up to which nothing is missing, and nothing will appear any more.
    #[must_use]
    pub fn watermark(&self) -> i64 {
        self.unsettled.first().map_or(self.seen, |gap| gap.numbers.start() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watermark_is_below_the_first_number_that_may_still_appear() {
        let gap = |numbers| Gap { numbers, writers: vec![] };
        for (unsettled, watermark) in [(vec![], 9), (vec![gap(8..=8)], 7), (vec![gap(1..=2), gap(4..=7)], 0)] {
            let position = Position { unsettled, ..Position::after(9) };
            assert_eq!(position.watermark(), watermark, "{position:?}");
        }
        assert_eq!(Position::default(), Position::after(0));
    }
}
