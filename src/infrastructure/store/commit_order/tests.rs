//! Readers of both kinds against a table whose writers take numbers, and commit or fail, at any moment.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Mutex;

use futures_util::FutureExt;
use proptest::prelude::*;

use super::advance::MOST;
use super::*;
use crate::application::ports::StoreError;

/// A table as PostgreSQL has it.
#[derive(Default)]
struct Table {
    taken: i64,
    visible: BTreeSet<i64>,
    /// Each writer with its numbers.
    in_flight: Vec<(String, Vec<i64>)>,
    begun: usize,
    /// What happens after the next queries, one deed after each.
    meanwhile: VecDeque<Deed>,
    queries: usize,
}

#[derive(Debug, Clone)]
enum Deed {
    Begin,
    Take(usize),
    End { which: usize, commits: bool },
    Erase(usize),
}

#[derive(Debug, Clone)]
enum Event {
    Deed(Deed),
    Look { limit: i64, meanwhile: Vec<Deed> },
}

impl Table {
    fn apply(&mut self, deed: &Deed) {
        match deed {
            Deed::Begin => {
                self.begun += 1;
                self.in_flight.push((format!("w{}", self.begun), vec![]));
            }
            Deed::Erase(which) => {
                if let Some(number) = self.visible.iter().nth(*which).copied() {
                    self.visible.remove(&number);
                }
            }
            Deed::Take(_) | Deed::End { .. } if self.in_flight.is_empty() => {}
            Deed::Take(which) => {
                let which = which % self.in_flight.len();
                self.taken += 1;
                self.in_flight[which].1.push(self.taken);
            }
            Deed::End { which, commits } => {
                let (_, numbers) = self.in_flight.remove(which % self.in_flight.len());
                if *commits {
                    self.visible.extend(numbers);
                }
            }
        }
    }

    fn commit_all(&mut self) {
        while !self.in_flight.is_empty() {
            self.apply(&Deed::End { which: 0, commits: true });
        }
    }

    fn after_query(&mut self) {
        self.queries += 1;
        if let Some(deed) = self.meanwhile.pop_front() {
            self.apply(&deed);
        }
    }

    /// The lowest number that somebody in flight has taken.
    fn pending(&self) -> Option<i64> {
        self.in_flight.iter().flat_map(|(_, numbers)| numbers).min().copied()
    }
}

struct Row<const IN_ORDER: bool>(i64);

impl<const IN_ORDER: bool> SequencedRow<Mutex<Table>> for Row<IN_ORDER> {
    const DELIVERY: Delivery = if IN_ORDER { Delivery::InOrder } else { Delivery::AtOnce };

    fn sequence(&self) -> i64 {
        self.0
    }

    async fn load(table: &Mutex<Table>, unread: &Unread, limit: i64) -> StoreResult<Vec<Self>> {
        let mut table = table.lock().unwrap();
        let is_unread = |number: &i64| *number > unread.above || unread.and.iter().any(|range| range.contains(number));
        let unread = table.visible.iter().copied().filter(is_unread);
        let rows = unread.take(limit.try_into().unwrap()).map(Self).collect();
        table.after_query();
        Ok(rows)
    }

    async fn writers(table: &Mutex<Table>) -> StoreResult<Vec<String>> {
        let mut table = table.lock().unwrap();
        let writers = table.in_flight.iter().map(|(name, _)| name.clone()).collect();
        table.after_query();
        Ok(writers)
    }
}

fn read<const IN_ORDER: bool>(table: &mut Table, position: &mut Position, limit: i64) -> Vec<i64> {
    let shared = Mutex::new(std::mem::take(table));
    let rows = follow(&shared, position, limit, |row: Row<IN_ORDER>| Ok(row.0)).now_or_never().unwrap().unwrap();
    *table = shared.into_inner().unwrap();
    rows
}

fn table(taken: i64, visible: &[i64], in_flight: &[(&str, &[i64])]) -> Table {
    let in_flight = in_flight.iter().map(|(name, numbers)| ((*name).to_owned(), numbers.to_vec())).collect();
    Table { taken, visible: visible.iter().copied().collect(), in_flight, ..Table::default() }
}

#[test]
fn a_reader_at_once_gets_what_is_visible_and_one_in_order_what_is_final() {
    let mut table = table(5, &[1, 3, 5], &[("a", &[2]), ("b", &[4])]);
    let (mut at_once, mut in_order) = (Position::default(), Position::default());
    assert_eq!(read::<false>(&mut table, &mut at_once, 9), [1, 3, 5]);
    assert_eq!(read::<true>(&mut table, &mut in_order, 9), [1]);
    table.apply(&Deed::End { which: 1, commits: true });
    assert_eq!(read::<false>(&mut table, &mut at_once, 9), [4]);
    assert_eq!(read::<true>(&mut table, &mut in_order, 9), [0; 0]);
    assert_eq!((at_once.watermark(), in_order.watermark()), (1, 1));
    table.apply(&Deed::End { which: 0, commits: false });
    assert_eq!(read::<false>(&mut table, &mut at_once, 9), [0; 0]);
    assert_eq!(read::<true>(&mut table, &mut in_order, 9), [3, 4, 5]);
    assert_eq!((at_once, in_order), (Position::after(5), Position::after(5)));
}

#[test]
fn a_look_costs_one_query_unless_a_number_is_missing() {
    for (visible, in_flight, costs) in [
        (&[][..], &[][..], [1, 1]),
        (&[1, 2], &[], [1, 1]),
        // Erased: nobody is in flight, which one in order makes sure of by itself.
        (&[2], &[], [2, 3]),
        (&[1, 3], &[("a", &[2][..])], [2, 2]),
        (&[2], &[("a", &[1])], [2, 2]),
    ] {
        let mut table = table(9, visible, in_flight);
        let queries = |table: &mut Table| std::mem::take(&mut table.queries);
        read::<false>(&mut table, &mut Position::default(), 9);
        let at_once = queries(&mut table);
        read::<true>(&mut table, &mut Position::default(), 9);
        assert_eq!([at_once, queries(&mut table)], costs, "{visible:?} {in_flight:?}");
    }
}

#[test]
fn a_row_without_a_meaning_leaves_the_position_where_it_was() {
    let mut position = Position::default();
    let refuse = |row: Row<true>| if row.0 < 2 { Ok(row.0) } else { Err(StoreError::Corrupt(String::new())) };
    let refused = follow(&Mutex::new(table(2, &[1, 2], &[])), &mut position, 9, refuse).now_or_never().unwrap();
    assert!(refused.is_err());
    assert_eq!(position, Position::default());
}

fn deed() -> impl Strategy<Value = Deed> + Clone {
    prop_oneof![
        3 => Just(Deed::Begin),
        5 => any::<usize>().prop_map(Deed::Take),
        3 => (any::<usize>(), any::<bool>()).prop_map(|(which, commits)| Deed::End { which, commits }),
    ]
}

fn events(deed: impl Strategy<Value = Deed> + Clone + 'static) -> impl Strategy<Value = Vec<Event>> {
    let meanwhile = proptest::collection::vec(deed.clone(), 0..4);
    let look = (1..6_i64, meanwhile).prop_map(|(limit, meanwhile)| Event::Look { limit, meanwhile });
    proptest::collection::vec(prop_oneof![3 => deed.prop_map(Event::Deed), 1 => look], 0..200)
}

/// What holds of both kinds of readers, after each event.
fn check(table: &Table, position: &Position, read: &BTreeSet<i64>) -> Result<(), TestCaseError> {
    prop_assert!(position.unsettled.len() <= MOST);
    let passed = table.visible.range(..=position.watermark()).find(|number| !read.contains(number));
    prop_assert_eq!(passed, None, "passed unread");
    prop_assert!(table.pending().is_none_or(|lowest| lowest > position.watermark()), "it may still appear");
    Ok(())
}

/// Lets a reader look while things happen, until nothing more happens; all that it got, in the order in which it came.
fn run(
    table: &mut Table,
    events: &[Event],
    look: impl Fn(&mut Table, &mut Position, i64) -> Result<Vec<i64>, TestCaseError>,
) -> Result<Vec<i64>, TestCaseError> {
    let (mut position, mut order, mut read) = (Position::default(), Vec::new(), BTreeSet::new());
    for event in events {
        match event {
            Event::Deed(deed) => table.apply(deed),
            Event::Look { limit, meanwhile } => {
                let before = position.watermark();
                table.meanwhile = meanwhile.iter().cloned().collect();
                let numbers = look(table, &mut position, *limit)?;
                table.meanwhile.clear();
                prop_assert!(position.watermark() >= before, "it never goes back");
                prop_assert!(numbers.iter().all(|number| *number > before), "below the watermark");
                read.extend(&numbers);
                order.extend(numbers);
            }
        }
        check(table, &position, &read)?;
    }
    table.commit_all();
    for _ in 0..table.visible.len() + 3 {
        order.extend(look(table, &mut position, 3)?);
    }
    prop_assert_eq!(position.watermark(), position.seen, "nothing is waited for");
    prop_assert!(table.visible.last().is_none_or(|last| *last <= position.seen));
    let missed = table.visible.iter().find(|number| !order.contains(number));
    prop_assert_eq!(missed, None, "missed");
    Ok(order)
}

/// What is visible when a reader at once looks comes in this very look, if there is room.
fn look_at_once(table: &mut Table, position: &mut Position, limit: i64) -> Result<Vec<i64>, TestCaseError> {
    let (visible, before) = (table.visible.clone(), position.clone());
    let numbers = read::<false>(table, position, limit);
    let is_new =
        |number: &i64| *number > before.seen || before.unsettled.iter().any(|gap| gap.numbers.contains(number));
    if i64::try_from(numbers.len()).unwrap() < limit {
        let is_late = |number: &&i64| is_new(number) && !numbers.contains(number);
        prop_assert_eq!(visible.iter().find(is_late), None, "comes late");
    }
    Ok(numbers)
}

fn look_in_order(table: &mut Table, position: &mut Position, limit: i64) -> Result<Vec<i64>, TestCaseError> {
    let numbers = read::<true>(table, position, limit);
    prop_assert!(i64::try_from(numbers.len()).unwrap() <= limit);
    prop_assert!(numbers.last().is_none_or(|last| *last <= position.watermark()), "passed on is passed");
    Ok(numbers)
}

proptest! {
    #[test]
    fn whatever_the_order_of_commits_a_reader_at_once_misses_nothing(events in events(deed())) {
        let mut table = Table::default();
        let order = run(&mut table, &events, look_at_once)?;
        prop_assert!(order.into_iter().collect::<BTreeSet<_>>() == table.visible);
    }

    #[test]
    fn whatever_the_order_of_commits_a_reader_in_order_gets_each_once_and_in_order(events in events(deed())) {
        let mut table = Table::default();
        let order = run(&mut table, &events, look_in_order)?;
        prop_assert!(order.into_iter().eq(table.visible.iter().copied()));
    }

    #[test]
    fn nobody_waits_for_what_was_erased(
        events in events(prop_oneof![3 => deed(), 1 => (0..20_usize).prop_map(Deed::Erase)].boxed()),
    ) {
        run(&mut Table::default(), &events, |table, position, limit| Ok(read::<false>(table, position, limit)))?;
        let order = run(&mut Table::default(), &events, look_in_order)?;
        prop_assert!(order.is_sorted_by(|a, b| a < b));
    }
}
