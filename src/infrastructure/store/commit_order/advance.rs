//! The arithmetic of positions: which numbers are missing, and which of them may still appear.

use std::ops::RangeInclusive;

use crate::application::ports::{Gap, Position};

/// The most ranges that are told apart. Beyond these, some are taken for one, and rows in the midst of it are read again.
pub(super) const MOST: usize = 8;

/// What a reader found: the numbers in order, up to which one it looked, and who was in flight before.
pub(super) struct Found<'f> {
    pub(super) numbers: &'f [i64],
    pub(super) looked_up_to: i64,
    pub(super) in_flight: &'f [String],
}

/// The position after what was found. Who may own the numbers of a new gap is filled in by `finish`: those who are in
/// flight now, later than the rows were read. They are asked for only if there is a new gap.
pub(super) struct Advance {
    seen: i64,
    old: Vec<Gap>,
    new: Vec<RangeInclusive<i64>>,
}

impl Advance {
    pub(super) fn new(position: &Position, found: &Found<'_>) -> Self {
        let is_settled = |gap: &Gap| {
            *gap.numbers.end() <= found.looked_up_to && !gap.writers.iter().any(|own| found.in_flight.contains(own))
        };
        let rest = |gap: &Gap| {
            let numbers = missing(gap.numbers.clone(), found.numbers).into_iter();
            let writers = gap.writers.clone();
            numbers.map(move |numbers| Gap { numbers, writers: writers.clone() }).collect::<Vec<_>>()
        };
        let last = found.numbers.last().copied().filter(|last| *last > position.seen);
        Self {
            seen: last.unwrap_or(position.seen),
            old: position.unsettled.iter().filter(|gap| !is_settled(gap)).flat_map(rest).collect(),
            // A reader chooses where it begins: after the greatest number that there is, nothing comes.
            new: last.map(|last| missing(position.seen + 1..=last, found.numbers)).unwrap_or_default(),
        }
    }

    pub(super) fn has_new_gap(&self) -> bool {
        !self.new.is_empty()
    }

    pub(super) fn finish(self, writers: &[String]) -> Position {
        let mut unsettled = self.old;
        unsettled.extend(self.new.into_iter().map(|numbers| Gap { numbers, writers: writers.to_vec() }));
        while unsettled.len() > MOST {
            let (Some(last), Some(before)) = (unsettled.pop(), unsettled.last_mut()) else { break };
            before.numbers = *before.numbers.start()..=*last.numbers.end();
            before.writers.extend(last.writers);
            before.writers.sort_unstable();
            before.writers.dedup();
        }
        Position { seen: self.seen, unsettled }
    }
}

/// Makes a position one that has seen no number beyond this one.
pub(super) fn forget_beyond(position: &mut Position, number: i64) {
    position.seen = position.seen.min(number);
    position.unsettled.retain(|gap| *gap.numbers.start() <= number);
    if let Some(last) = position.unsettled.last_mut() {
        last.numbers = *last.numbers.start()..=number.min(*last.numbers.end());
    }
}

/// Which of these numbers were not found, as ranges in order.
fn missing(numbers: RangeInclusive<i64>, found: &[i64]) -> Vec<RangeInclusive<i64>> {
    let mut next = *numbers.start();
    let mut ranges = Vec::new();
    for number in found.iter().filter(|number| numbers.contains(number)) {
        if *number > next {
            ranges.push(next..=number - 1);
        }
        next = number + 1;
    }
    if next <= *numbers.end() {
        ranges.push(next..=*numbers.end());
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(numbers: RangeInclusive<i64>, writers: &[&str]) -> Gap {
        Gap { numbers, writers: writers.iter().map(|&name| name.to_owned()).collect() }
    }

    fn advance(position: &Position, found: (&[i64], i64), in_flight: &[&str]) -> Advance {
        let in_flight: Vec<String> = in_flight.iter().map(|&name| name.to_owned()).collect();
        Advance::new(position, &Found { numbers: found.0, looked_up_to: found.1, in_flight: &in_flight })
    }

    #[test]
    fn what_is_missing_stands_in_ranges() {
        for (numbers, found, ranges) in [
            (1..=3, &[][..], vec![1..=3]),
            (1..=3, &[1, 2, 3], vec![]),
            (1..=9, &[0, 3, 4, 7, 12], vec![1..=2, 5..=6, 8..=9]),
            (5..=6, &[5, 7], vec![6..=6]),
        ] {
            assert_eq!(missing(numbers.clone(), found), ranges, "{numbers:?} without {found:?}");
        }
    }

    #[test]
    fn new_numbers_without_a_gap_need_nobody_to_be_asked() {
        let position = Position::after(3);
        for (found, seen) in [(&[][..], 3), (&[4, 5], 5)] {
            let advance = advance(&position, (found, i64::MAX), &[]);
            assert!(!advance.has_new_gap(), "{found:?}");
            assert_eq!(advance.finish(&[]), Position::after(seen));
        }
        let advance = advance(&position, (&[6, 7, 9], i64::MAX), &[]);
        assert!(advance.has_new_gap());
        let unsettled = vec![gap(4..=5, &["w"]), gap(8..=8, &["w"])];
        assert_eq!(advance.finish(&["w".to_owned()]), Position { seen: 9, unsettled });
    }

    #[test]
    fn a_reader_may_come_after_the_greatest_of_all_numbers() {
        let position = Position::after(i64::MAX);
        let advance = advance(&position, (&[], i64::MAX), &[]);
        assert!(!advance.has_new_gap());
        assert_eq!(advance.finish(&[]), position);
    }

    #[test]
    fn a_gap_is_settled_once_its_writers_have_ended_and_all_of_it_was_looked_at() {
        let position = Position { seen: 9, unsettled: vec![gap(2..=4, &["a", "b"])] };
        for (found, looked_up_to, in_flight, rest) in [
            (&[][..], i64::MAX, &["b"][..], vec![2..=4]),
            (&[], i64::MAX, &["c"], vec![]),
            (&[], 4, &[], vec![]),
            (&[2, 3], 3, &[], vec![4..=4]),
            (&[3], i64::MAX, &["a"], vec![2..=2, 4..=4]),
            (&[2, 3, 4], i64::MAX, &["a", "b"], vec![]),
        ] {
            let advance = advance(&position, (found, looked_up_to), in_flight);
            assert!(!advance.has_new_gap());
            let unsettled = rest.into_iter().map(|numbers| gap(numbers, &["a", "b"])).collect();
            assert_eq!(advance.finish(&[]), Position { seen: 9, unsettled }, "{found:?}, {in_flight:?} in flight");
        }
    }

    #[test]
    fn beyond_the_most_the_last_are_taken_for_one_with_all_its_owners() {
        let position = Position { seen: 2, unsettled: vec![gap(1..=1, &["a"])] };
        let found: Vec<i64> = (2..=12).map(|half| 2 * half).collect();
        let next = advance(&position, (&found, i64::MAX), &["a"]).finish(&["b".to_owned()]);
        assert_eq!((next.seen, next.watermark(), next.unsettled.len()), (24, 0, MOST));
        assert_eq!(next.unsettled[MOST - 2..], [gap(13..=13, &["b"]), gap(15..=23, &["b"])]);
        let full = Position { seen: 24, unsettled: [next.unsettled, vec![gap(25..=25, &["b", "c"])]].concat() };
        let next = advance(&full, (&[], i64::MAX), &["a", "b", "c"]).finish(&[]);
        assert_eq!(next.unsettled[MOST - 1], gap(15..=25, &["b", "c"]));
    }

    #[test]
    fn what_is_beyond_a_number_is_forgotten() {
        let position = Position { seen: 9, unsettled: vec![gap(2..=4, &["a"]), gap(7..=7, &["b"])] };
        for (number, seen, unsettled) in [
            (i64::MAX, 9, position.unsettled.clone()),
            (7, 7, position.unsettled.clone()),
            (6, 6, vec![gap(2..=4, &["a"])]),
            (3, 3, vec![gap(2..=3, &["a"])]),
            (1, 1, vec![]),
        ] {
            let mut cut = position.clone();
            forget_beyond(&mut cut, number);
            assert_eq!(cut, Position { seen, unsettled }, "beyond {number}");
        }
    }
}
