use std::sync::atomic::{AtomicI64, Ordering};

use futures_util::FutureExt as _;
use proptest::prelude::*;
use uuid::Uuid;

use super::memory::Memory;
use super::*;
use crate::domain::id::TokenId;

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + Duration::seconds(seconds)
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn marks(sid: u128, subject: u128, token: u128) -> TokenMarks<'static> {
    let token_id = TokenId::from_uuid(id(token));
    TokenMarks { sid: id(sid), subject: id(subject), issue_time: at(100), token_id, key_id: "k" }
}

fn session(number: u128) -> AccessChange {
    AccessChange::Session(id(number))
}

fn subject(number: u128, revoked_before: i64) -> AccessChange {
    AccessChange::Subject { id: id(number), revoked_before: at(revoked_before) }
}

fn read_all(memory: &Memory, cursor: &mut Cursor) -> Vec<AccessChange> {
    let mut all = Vec::new();
    loop {
        let page = memory.read(cursor, 2, 1000).unwrap();
        all.extend(page.revocations.iter().map(|revocation| revocation.change.clone()));
        if page.is_all {
            return all;
        }
    }
}

#[test]
fn what_is_in_memory_voids_what_it_names_until_it_is_forgotten() {
    let mut memory = Memory::default();
    let token = marks(1, 2, 3);
    for (number, change) in
        [session(1), subject(2, 100), AccessChange::Token(token.token_id), AccessChange::Key("k".into())]
            .into_iter()
            .enumerate()
    {
        assert!(!memory.voids(&token));
        let forget_after = at(number.try_into().unwrap());
        memory.insert((change, forget_after), Some(1), 0);
        assert!(memory.voids(&token));
        assert!(!memory.voids(&TokenMarks { key_id: "other", ..marks(2, 3, 1) }));
        memory.forget(forget_after);
        assert_eq!(memory.len(), 1, "its time has not passed");
        memory.forget(forget_after + Duration::microseconds(1));
        assert_eq!(memory.len(), 0);
    }
    assert!(!memory.voids(&token));
}

#[test]
fn the_latest_revocation_of_a_subject_counts_in_whatever_order_they_come() {
    for order in [[50, 100], [100, 50]] {
        let mut memory = Memory::default();
        for time in order {
            memory.insert((subject(2, time), at(time)), Some(time), 0);
        }
        assert!(memory.voids(&marks(1, 2, 3)), "{order:?}");
        memory.forget(at(99));
        assert!(memory.voids(&marks(1, 2, 3)), "the earlier one was forgotten: {order:?}");
        // Whoever knows the earlier one alone still hears of the later one.
        assert_eq!(read_all(&memory, &mut memory.begin(50)), [subject(2, 100)], "{order:?}");
    }
}

#[test]
fn a_reader_gets_what_it_does_not_know_and_then_all_that_is_new() {
    let mut memory = Memory::default();
    for number in 1..=5 {
        memory.insert((session(number), at(10)), Some(number.try_into().unwrap()), 0);
    }
    memory.insert((session(6), at(10)), None, 0);
    let mut cursor = memory.begin(3);
    assert_eq!(read_all(&memory, &mut cursor), [session(4), session(5), session(6)]);
    // Committed here before: its number is no news. Another one has a low number, and comes all the same.
    memory.insert((session(6), at(10)), Some(6), 0);
    memory.insert((session(7), at(10)), Some(2), 0);
    assert_eq!(read_all(&memory, &mut cursor), [session(7)]);
    assert_eq!(read_all(&memory, &mut cursor), []);
    assert_eq!(read_all(&memory, &mut memory.begin(5)), [session(6)]);
    assert_eq!(read_all(&memory, &mut memory.begin(6)), []);
    memory.forget(at(11));
    memory.insert((session(8), at(20)), Some(8), 0);
    assert_eq!(read_all(&memory, &mut cursor), [session(8)]);
}

#[test]
fn what_comes_again_after_all_was_forgotten_is_news() {
    let mut memory = Memory::default();
    memory.insert((session(1), at(10)), Some(1), 0);
    let mut cursor = memory.begin(0);
    assert_eq!(read_all(&memory, &mut cursor), [session(1)]);
    memory.clear();
    assert!(memory.len() == 0 && !memory.voids(&marks(1, 2, 3)));
    memory.insert((session(1), at(10)), Some(1), 0);
    assert_eq!(read_all(&memory, &mut cursor), [session(1)]);
}

#[test]
fn a_reader_may_take_its_time_with_what_was_there_but_not_with_news() {
    let mut memory = Memory::default();
    for number in 0..10 {
        memory.insert((session(number), at(10)), Some(1), 0);
    }
    let mut cursor = memory.begin(0);
    for number in 10..13 {
        assert!(memory.read(&mut cursor, 1, 2).is_ok());
        memory.insert((session(number), at(10)), Some(1), 0);
    }
    assert_eq!(memory.read(&mut cursor, 1, 2).err(), Some(TooFarBehind));
    assert!(memory.read(&mut cursor, 1, 3).is_ok());
}

/// A clock that shows the seconds it is told.
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        at(self.0.load(Ordering::SeqCst))
    }
}

#[test]
fn memory_is_trusted_for_a_second_and_never_before_the_first_look_or_after_a_step_back() {
    let clock = Arc::new(Hand(AtomicI64::new(100)));
    let feed = AccessFeed::new(clock.clone());
    let token = marks(1, 2, 3);
    assert_eq!((feed.judge(&token), feed.rights_version(), feed.age()), (Standing::Unknown, None, None));
    feed.write().looked = Some(at(100));
    for (second, standing) in [
        (100, Standing::Good),
        (101, Standing::Good),
        (102, Standing::Unknown),
        (99, Standing::Unknown),
        (100, Standing::Good),
    ] {
        clock.0.store(second, Ordering::SeqCst);
        assert_eq!(feed.judge(&token), standing, "{second}");
        assert_eq!(feed.rights_version().is_some(), standing == Standing::Good);
    }
    feed.committed(vec![(session(1), at(200)), (AccessChange::Rights, at(200))]);
    assert_eq!((feed.judge(&token), feed.rights_version(), feed.len()), (Standing::Void, Some(1), 1));
    clock.0.store(200, Ordering::SeqCst);
    assert_eq!(feed.judge(&token), Standing::Void, "a revocation is for ever");
}

fn fresh_feed() -> AccessFeed {
    let feed = AccessFeed::new(Arc::new(Hand(AtomicI64::new(100))));
    feed.write().looked = Some(at(100));
    feed
}

#[test]
fn what_was_forgotten_is_read_again_before_anything_is_believed() {
    let feed = fresh_feed();
    feed.committed(vec![(session(1), at(200))]);
    let (void, good) = (marks(1, 2, 3), marks(2, 3, 4));
    assert_eq!(
        (feed.judge(&void), feed.judge(&good), feed.age()),
        (Standing::Void, Standing::Good, Some(Duration::ZERO))
    );
    feed.forget();
    assert_eq!((feed.judge(&void), feed.judge(&good), feed.age()), (Standing::Unknown, Standing::Unknown, None));
    assert!(feed.is_empty() && feed.write().is_to_start_over);
}

#[test]
fn whoever_follows_is_woken_by_each_reason_to_look() {
    let feed = fresh_feed();
    let is_woken = || feed.wake.notified().now_or_never().is_some();
    assert!(!is_woken());
    let commit = |feed: &AccessFeed| feed.committed(vec![(session(1), at(200))]);
    for reason in [&commit as &dyn Fn(&AccessFeed), &AccessFeed::wake, &AccessFeed::start_over, &AccessFeed::forget] {
        reason(&feed);
        assert!(is_woken() && !is_woken());
    }
}

#[test]
fn keys_are_told_of_and_only_revocations_are_in_the_log() {
    let feed = AccessFeed::new(Arc::new(Hand(AtomicI64::new(0))));
    assert_eq!((feed.len(), feed.is_empty(), feed.readers()), (0, true, 0));
    let (mut keys, mut news) = (feed.key_sets(), feed.news());
    feed.committed(vec![(AccessChange::KeySet, at(9))]);
    assert!(keys.has_changed().unwrap());
    keys.mark_unchanged();
    feed.committed(vec![(AccessChange::Key("k".into()), at(9))]);
    assert!(keys.has_changed().unwrap());
    assert!(!news.has_changed().unwrap(), "readers are woken by whoever follows the feed");
    feed.publish();
    assert!(news.has_changed().unwrap());
    news.mark_unchanged();
    feed.publish();
    assert!(!news.has_changed().unwrap());
    assert_eq!((feed.len(), feed.is_empty(), feed.readers()), (1, false, 1));
}

proptest! {
    #[test]
    fn memory_voids_what_any_live_change_does(
        changes in proptest::collection::vec((0..4_u128, 0..4_u8, 0..120_i64, 1..50_i64), 0..60),
        after in 0..50_i64,
    ) {
        let mut memory = Memory::default();
        let mut truth: Vec<(AccessChange, i64)> = Vec::new();
        for (number, kind, time, sequence) in changes {
            let change = match kind {
                0 => session(number),
                1 => subject(number, time),
                2 => AccessChange::Token(TokenId::from_uuid(id(number))),
                _ => AccessChange::Key(format!("k{number}")),
            };
            memory.insert((change.clone(), at(1000)), Some(sequence), 0);
            truth.push((change, sequence));
        }
        for number in 0..4_u128 {
            for key_id in ["k0", "k3", "other"] {
                let token = TokenMarks { key_id, ..marks(number, (number + 1) % 4, (number + 2) % 4) };
                let is_void = truth.iter().any(|(change, _)| change.voids(&token));
                prop_assert_eq!(memory.voids(&token), is_void);
            }
        }
        // Whoever knows all up to a number lacks nothing after the rest.
        let rest = read_all(&memory, &mut memory.begin(after));
        let told: Vec<&AccessChange> =
            truth.iter().filter(|(_, sequence)| *sequence <= after).map(|(change, _)| change).chain(&rest).collect();
        for number in 0..4_u128 {
            let token = TokenMarks { key_id: "k1", ..marks(number, number, number) };
            prop_assert_eq!(told.iter().any(|change| change.voids(&token)), memory.voids(&token));
        }
    }
}
