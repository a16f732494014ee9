//! What holds of every table that is followed in commit order, whether its rows are passed on at once or in order.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ipse::application::ports::{Position, Store, Transaction};
use ipse::domain::access::change::AccessChange;
use ipse::domain::id::TokenId;
use uuid::Uuid;

use super::samples::{at, event, event_id};
use super::{Fixture, in_parallel};
use crate::support::database::Backend;
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    a_row_comes_once_and_once_it_is_committed
    who_continues_after_the_watermark_gets_the_rest
    a_number_in_flight_holds_back_the_watermark_alone_or_the_rows_too
    who_takes_a_number_later_is_not_waited_for
    who_only_reads_or_writes_elsewhere_is_not_waited_for
    many_erased_rows_are_not_waited_for
    a_follower_of_parallel_writers_misses_none
}

/// The tables that are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    /// A row is passed on as soon as it is visible.
    AccessChanges,
    /// A row is held back while one with a lower number may still appear.
    AuditEvents,
}

const TABLES: [Table; 2] = [Table::AccessChanges, Table::AuditEvents];

/// A row, by the number that the test gave it and that which the database gave it.
type Row = (u32, i64);

impl Table {
    async fn insert(self, tx: &dyn Transaction, number: u32) {
        match self {
            Self::AccessChanges => {
                let change = AccessChange::Token(TokenId::from_uuid(Uuid::from_u128(number.into())));
                assert_eq!(tx.access_changes().insert_access_changes(&[change], at(0)).await.unwrap(), 1);
            }
            Self::AuditEvents => {
                tx.audit_events().insert_audit_event(event_id(number), at(0), &event(number)).await.unwrap();
            }
        }
    }

    async fn follow(self, tx: &dyn Transaction, position: &mut Position, limit: i64) -> Vec<Row> {
        let before = position.watermark();
        let rows: Vec<Row> = match self {
            Self::AccessChanges => {
                let changes = tx.access_changes().follow_access_changes(position, limit).await.unwrap();
                let number = |change| match change {
                    AccessChange::Token(id) => u32::try_from(id.as_uuid().as_u128()).unwrap(),
                    other => panic!("{other:?}"),
                };
                changes.into_iter().map(|recorded| (number(recorded.change), recorded.sequence)).collect()
            }
            Self::AuditEvents => {
                let events = tx.audit_events().follow_audit_events(position, limit).await.unwrap();
                let number = |id| (0..1000).find(|number| event_id(*number) == id).unwrap();
                events.into_iter().map(|event| (number(event.id), event.sequence)).collect()
            }
        };
        assert!(i64::try_from(rows.len()).unwrap() <= limit);
        assert!(rows.is_sorted_by(|(_, a), (_, b)| a < b));
        assert!(position.watermark() >= before, "it never goes back");
        assert!(rows.iter().all(|(_, sequence)| *sequence > before), "nothing appears below the watermark");
        rows
    }

    async fn commit(self, fixture: &Fixture, number: u32) {
        let tx = fixture.write().await;
        self.insert(tx.as_ref(), number).await;
        tx.commit().await.unwrap();
    }

    /// A transaction that has taken a number and is still open.
    async fn open(self, fixture: &Fixture, number: u32) -> Box<dyn Transaction> {
        let tx = fixture.write().await;
        self.insert(tx.as_ref(), number).await;
        tx
    }
}

/// What comes next, by the numbers of the test.
async fn follow(fixture: &Fixture, table: Table, position: &mut Position) -> Vec<u32> {
    let rows = table.follow(fixture.read().await.as_ref(), position, 100).await;
    rows.into_iter().map(|(number, _)| number).collect()
}

async fn erase(fixture: &Fixture, table: Table, which: &str) {
    let name = match table {
        Table::AccessChanges => "access_changes",
        Table::AuditEvents => "audit_events",
    };
    fixture.execute(&format!("DELETE FROM {name} WHERE {which}")).await;
}

async fn a_row_comes_once_and_once_it_is_committed(fixture: Fixture) {
    for table in TABLES {
        let mut position = Position::default();
        assert_eq!(follow(&fixture, table, &mut position).await, [0; 0]);
        let open = table.open(&fixture, 1).await;
        assert_eq!(follow(&fixture, table, &mut position).await, [0; 0], "{table:?}");
        open.commit().await.unwrap();
        for number in 2..=5 {
            table.commit(&fixture, number).await;
        }
        let mut numbers = Vec::new();
        for _ in 0..4 {
            numbers.extend(
                table.follow(fixture.read().await.as_ref(), &mut position, 2).await.into_iter().map(|row| row.0),
            );
        }
        assert_eq!(numbers, [1, 2, 3, 4, 5], "{table:?}");
        assert_eq!(position, Position::after(position.seen), "{table:?}");
    }
}

async fn who_continues_after_the_watermark_gets_the_rest(fixture: Fixture) {
    for table in TABLES {
        for number in 1..=5 {
            table.commit(&fixture, number).await;
        }
        let mut position = Position::default();
        assert_eq!(table.follow(fixture.read().await.as_ref(), &mut position, 3).await.len(), 3);
        let mut next = Position::after(position.watermark());
        assert_eq!(follow(&fixture, table, &mut next).await, [4, 5], "{table:?}");
        assert_eq!(follow(&fixture, table, &mut Position::after(next.watermark() + 90)).await, [0; 0], "{table:?}");
    }
}

async fn a_number_in_flight_holds_back_the_watermark_alone_or_the_rows_too(fixture: Fixture) {
    if fixture.database.backend == Backend::Sqlite {
        // One writer: nothing can overtake.
        return;
    }
    for table in TABLES {
        table.commit(&fixture, 1).await;
        let mut position = Position::default();
        assert_eq!(follow(&fixture, table, &mut position).await, [1]);
        let before = position.watermark();
        let first = table.open(&fixture, 2).await;
        table.commit(&fixture, 3).await;
        let second = table.open(&fixture, 4).await;
        table.commit(&fixture, 5).await;
        let is_at_once = table == Table::AccessChanges;
        for expected in [&[3, 5][..], &[], &[]] {
            let expected = if is_at_once { expected } else { &[] };
            assert_eq!(follow(&fixture, table, &mut position).await, expected, "{table:?}");
            assert_eq!(position.watermark(), before, "two are in flight");
        }
        first.commit().await.unwrap();
        let expected = if is_at_once { &[2][..] } else { &[2, 3] };
        assert_eq!(follow(&fixture, table, &mut position).await, expected, "{table:?}");
        assert_eq!(position.watermark(), before + 2, "one is in flight");
        drop(second);
        fixture.settle().await;
        let expected = if is_at_once { &[][..] } else { &[5] };
        assert_eq!(follow(&fixture, table, &mut position).await, expected, "{table:?}");
        assert_eq!(position, Position::after(before + 4), "the other one failed");
    }
}

async fn who_takes_a_number_later_is_not_waited_for(fixture: Fixture) {
    if fixture.database.backend == Backend::Sqlite {
        return;
    }
    for table in TABLES {
        let mut position = Position::default();
        let open = table.open(&fixture, 1).await;
        table.commit(&fixture, 2).await;
        let mut numbers = follow(&fixture, table, &mut position).await;
        assert_eq!(position.watermark(), 0, "{table:?}");
        // So there is no moment in which nobody is in flight.
        let later = table.open(&fixture, 3).await;
        open.commit().await.unwrap();
        numbers.extend(follow(&fixture, table, &mut position).await);
        assert_eq!(numbers, if table == Table::AccessChanges { [2, 1] } else { [1, 2] });
        assert_eq!(position, Position::after(2), "{table:?}");
        later.commit().await.unwrap();
        assert_eq!(follow(&fixture, table, &mut position).await, [3], "{table:?}");
    }
}

async fn who_only_reads_or_writes_elsewhere_is_not_waited_for(fixture: Fixture) {
    if fixture.database.backend == Backend::Sqlite {
        return;
    }
    for (table, elsewhere) in [(TABLES[0], TABLES[1]), (TABLES[1], TABLES[0])] {
        let bystander = elsewhere.open(&fixture, 900).await;
        table.follow(bystander.as_ref(), &mut Position::default(), 1).await;
        for number in 1..=4 {
            table.commit(&fixture, number).await;
        }
        let mut position = Position::default();
        assert_eq!(table.follow(fixture.read().await.as_ref(), &mut position, 1).await[0].0, 1, "{table:?}");
        erase(&fixture, table, &format!("sequence = {}", position.seen + 1)).await;
        let mut numbers = BTreeSet::new();
        for _ in 0..2 {
            numbers.extend(follow(&fixture, table, &mut position).await);
        }
        assert!(numbers.into_iter().eq([3, 4]), "{table:?}");
        assert_eq!(position, Position::after(position.seen), "{table:?}");
        drop(bystander);
    }
}

async fn many_erased_rows_are_not_waited_for(fixture: Fixture) {
    for table in TABLES {
        let tx = fixture.write().await;
        for number in 1..=60 {
            table.insert(tx.as_ref(), number).await;
        }
        tx.commit().await.unwrap();
        erase(&fixture, table, "sequence % 2 = 1").await;
        for limit in [1, 3, 100] {
            let (mut position, mut numbers) = (Position::default(), BTreeSet::new());
            while position.watermark() < 60 {
                let before = position.clone();
                let rows = table.follow(fixture.read().await.as_ref(), &mut position, limit).await;
                numbers.extend(rows.into_iter().map(|(number, _)| number));
                assert_ne!(position, before, "{table:?} gets on");
            }
            assert!(numbers.into_iter().eq((1..=30).map(|half| 2 * half)), "{table:?}");
        }
    }
}

async fn a_follower_of_parallel_writers_misses_none(fixture: Fixture) {
    for table in TABLES {
        let is_over = Arc::new(AtomicBool::new(false));
        let follower = tokio::spawn(collect(table, fixture.store.clone(), is_over.clone()));
        let committed = in_parallel(&fixture.store, 4, move |store, writer| write(table, store, writer)).await;
        is_over.store(true, Ordering::SeqCst);
        let committed: BTreeSet<u32> = committed.into_iter().flatten().collect();
        assert_eq!(follower.await.unwrap(), committed, "{table:?}");
    }
}

/// Two rows to a transaction, of which every seventh fails; the numbers of those that did not.
async fn write(table: Table, store: Arc<dyn Store>, writer: u32) -> Vec<u32> {
    let mut committed = Vec::new();
    for round in 0..30 {
        let numbers = [0, 1].map(|half| writer * 100 + 2 * round + half);
        let tx = store.write().await.unwrap();
        for number in numbers {
            table.insert(tx.as_ref(), number).await;
            tokio::task::yield_now().await;
        }
        if round % 7 != 0 {
            tx.commit().await.unwrap();
            committed.extend(numbers);
        }
    }
    committed
}

/// Follows a table until it is over and nothing is missing; what came, of which nothing came twice if it came in order.
async fn collect(table: Table, store: Arc<dyn Store>, is_over: Arc<AtomicBool>) -> BTreeSet<u32> {
    let (mut position, mut numbers, mut last) = (Position::default(), BTreeSet::new(), 0);
    loop {
        let was_over = is_over.load(Ordering::SeqCst);
        let rows = table.follow(store.read().await.unwrap().as_mut(), &mut position, 7).await;
        for (number, sequence) in &rows {
            assert!(table == Table::AccessChanges || *sequence > last, "{sequence} after {last}");
            last = *sequence;
            numbers.insert(*number);
        }
        // What was rolled back by dropping may take a moment to end.
        if was_over && rows.is_empty() && position.watermark() == position.seen {
            return numbers;
        }
        tokio::task::yield_now().await;
    }
}
