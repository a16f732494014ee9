//! Numbers that are taken in one order and become visible in another, and a reader who wants all of them without waiting.
//!
//! Whoever is to write a row locks the table first, takes a number then, and gives the lock back after its end shows to
//! others. So all numbers below a visible one have been taken, and the missing ones belong to transactions that held the
//! lock when it was seen, or had ended. Once those have ended, what is still missing never comes.

use std::ops::RangeInclusive;

use crate::application::ports::{ChangeGap, ChangePosition};

/// The most gaps that are told apart. Beyond these, some are taken for one, and rows in the midst of it are read again.
const MOST: usize = 8;

/// What a reader found: the numbers in order, up to which one it looked, and which transactions were under way before.
pub(super) struct Found<'f> {
    pub(super) numbers: &'f [i64],
    pub(super) looked_up_to: i64,
    pub(super) under_way: &'f [String],
}

/// The position after what was found. Who owns the numbers of new gaps is to be filled in, which `writers` is for: those
/// who are under way now, so later than the rows were read. It is asked for only if there are new gaps.
pub(super) struct Step {
    seen: i64,
    old: Vec<ChangeGap>,
    new: Vec<RangeInclusive<i64>>,
}

impl Step {
    pub(super) fn from(position: &ChangePosition, found: &Found<'_>) -> Self {
        let is_settled = |gap: &ChangeGap| {
            *gap.numbers.end() <= found.looked_up_to && !gap.writers.iter().any(|own| found.under_way.contains(own))
        };
        let rest = |gap: &ChangeGap| {
            let numbers = missing(gap.numbers.clone(), found.numbers).into_iter();
            let writers = gap.writers.clone();
            numbers.map(move |numbers| ChangeGap { numbers, writers: writers.clone() }).collect::<Vec<_>>()
        };
        let seen = found.numbers.last().map_or(position.seen, |last| position.seen.max(*last));
        Self {
            seen,
            old: position.gaps.iter().filter(|gap| !is_settled(gap)).flat_map(rest).collect(),
            new: missing(position.seen + 1..=seen, found.numbers),
        }
    }

    pub(super) fn has_new_gaps(&self) -> bool {
        !self.new.is_empty()
    }

    pub(super) fn finish(self, writers: &[String]) -> ChangePosition {
        let mut gaps = self.old;
        gaps.extend(self.new.into_iter().map(|numbers| ChangeGap { numbers, writers: writers.to_vec() }));
        while gaps.len() > MOST {
            let (Some(last), Some(before)) = (gaps.pop(), gaps.last_mut()) else { break };
            before.numbers = *before.numbers.start()..=*last.numbers.end();
            before.writers.extend(last.writers);
            before.writers.sort_unstable();
            before.writers.dedup();
        }
        ChangePosition { seen: self.seen, gaps }
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
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_missing_stands_in_ranges() {
        for (numbers, found, ranges) in [
            (RangeInclusive::new(1, 0), &[][..], vec![]),
            (1..=3, &[], vec![1..=3]),
            (1..=3, &[1, 2, 3], vec![]),
            (1..=9, &[0, 3, 4, 7, 12], vec![1..=2, 5..=6, 8..=9]),
            (5..=6, &[5, 7], vec![6..=6]),
        ] {
            assert_eq!(missing(numbers.clone(), found), ranges, "{numbers:?} without {found:?}");
        }
    }

    /// A table with writers that take numbers, and commit or fail later, as PostgreSQL has them.
    #[derive(Default)]
    struct Table {
        taken: i64,
        visible: BTreeSet<i64>,
        /// Each writer with its numbers.
        under_way: Vec<(String, Vec<i64>)>,
        begun: usize,
    }

    #[derive(Debug, Clone)]
    enum Deed {
        Begin,
        Take(usize),
        End { which: usize, commits: bool },
        Look { limit: usize, between: Option<(usize, bool)> },
    }

    impl Table {
        fn writers(&self) -> Vec<String> {
            self.under_way.iter().map(|(name, _)| name.clone()).collect()
        }

        fn end(&mut self, which: usize, commits: bool) {
            if self.under_way.is_empty() {
                return;
            }
            let (_, numbers) = self.under_way.remove(which % self.under_way.len());
            if commits {
                self.visible.extend(numbers);
            }
        }

        fn apply(&mut self, deed: &Deed) {
            match deed {
                Deed::Begin => {
                    self.begun += 1;
                    self.under_way.push((format!("w{}", self.begun), vec![]));
                }
                Deed::Take(which) if !self.under_way.is_empty() => {
                    let which = which % self.under_way.len();
                    self.taken += 1;
                    self.under_way[which].1.push(self.taken);
                }
                Deed::End { which, commits } => self.end(*which, *commits),
                Deed::Take(_) | Deed::Look { .. } => {}
            }
        }

        /// As the store looks. `between` is what ends after the rows were read and before the writers are asked for.
        fn look(
            &mut self,
            position: &ChangePosition,
            limit: usize,
            between: Option<(usize, bool)>,
        ) -> (ChangePosition, Vec<i64>) {
            let under_way = self.writers();
            let is_asked_for =
                |number: &i64| *number > position.seen || position.gaps.iter().any(|gap| gap.numbers.contains(number));
            let numbers: Vec<i64> = self.visible.iter().copied().filter(is_asked_for).take(limit).collect();
            let looked_up_to = if numbers.len() < limit { i64::MAX } else { numbers[limit - 1] };
            let step = Step::from(position, &Found { numbers: &numbers, looked_up_to, under_way: &under_way });
            if let Some((which, commits)) = between {
                self.end(which, commits);
            }
            (step.finish(&self.writers()), numbers)
        }
    }

    fn deed() -> impl Strategy<Value = Deed> {
        let end = (any::<usize>(), any::<bool>());
        prop_oneof![
            Just(Deed::Begin),
            any::<usize>().prop_map(Deed::Take),
            end.prop_map(|(which, commits)| Deed::End { which, commits }),
            (1..6_usize, proptest::option::of(end)).prop_map(|(limit, between)| Deed::Look { limit, between }),
        ]
    }

    proptest! {
        #[test]
        fn whatever_the_order_of_commits_nothing_is_missed(deeds in proptest::collection::vec(deed(), 0..200)) {
            let (mut table, mut position, mut read) = (Table::default(), ChangePosition::default(), BTreeSet::new());
            for deed in &deeds {
                table.apply(deed);
                if let Deed::Look { limit, between } = deed {
                    let (next, numbers) = table.look(&position, *limit, *between);
                    read.extend(numbers);
                    prop_assert!(next.gaps.len() <= MOST);
                    prop_assert!(next.watermark() >= position.watermark(), "it never goes back");
                    position = next;
                }
                let below = |number: &&i64| **number <= position.watermark();
                let unread = table.visible.iter().filter(below).find(|number| !read.contains(number));
                prop_assert_eq!(unread, None, "passed unread");
                let pending = table.under_way.iter().flat_map(|(_, numbers)| numbers).find(below);
                prop_assert_eq!(pending, None, "passed while it may still appear");
            }
            while !table.under_way.is_empty() {
                table.end(0, true);
            }
            for _ in 0..table.visible.len() + 3 {
                let (next, numbers) = table.look(&position, 3, None);
                read.extend(numbers);
                position = next;
            }
            prop_assert_eq!(&read, &table.visible);
            prop_assert_eq!(position.watermark(), table.visible.last().copied().unwrap_or(0));
        }
    }
}
