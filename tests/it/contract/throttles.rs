use std::sync::Arc;

use ipse::application::ports::Store;
use ipse::domain::Timestamp;
use ipse::domain::credential::throttle::{Budget, SlowDown, Throttle, ThrottleKey};
use ipse::domain::secret::SecretKey;
use time::Duration;

use super::samples::{TICK, at};
use super::{Fixture, in_parallel};
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    a_counter_that_never_counted_is_not_there
    events_are_counted_with_their_first_and_last_time
    a_count_begins_anew_after_a_time_without_events
    parallel_events_are_all_counted
    attempts_are_counted_unless_they_have_to_wait
    of_parallel_attempts_only_the_free_ones_are_counted
    a_forgotten_counter_is_gone
    a_counter_is_forgotten_after_whoever_counts_it
    a_budget_keeps_the_gap
    a_budget_holds_for_one_window
    a_gap_reaches_across_windows
    without_a_gap_a_call_that_was_overtaken_takes_its_share
    a_refusal_is_not_counted
    of_parallel_takers_within_the_gap_exactly_one_succeeds
    idle_counters_are_purged_in_batches
}

const BUDGET: Budget = Budget { gap: Duration::seconds(60), most: 3, window: Duration::seconds(3600) };

fn key(number: u32) -> ThrottleKey {
    ThrottleKey::mail(&SecretKey::new([7; 32]), "test", &number.to_string())
}

async fn find(fixture: &Fixture, number: u32) -> Option<Throttle> {
    fixture.read().await.throttles().find_throttle(&key(number)).await.unwrap()
}

/// Without waiting times.
const COUNT: SlowDown =
    SlowDown { first_delayed: 1000, longest_delay: Duration::hours(1), forget_after: Duration::seconds(100) };
/// Waiting times of one and of two seconds.
const SLOW: SlowDown =
    SlowDown { first_delayed: 3, longest_delay: Duration::seconds(2), forget_after: Duration::seconds(100) };

async fn count_by(store: &Arc<dyn Store>, rule: &SlowDown, (number, now): (u32, Timestamp)) -> bool {
    let tx = store.write().await.unwrap();
    let is_counted = tx.throttles().count_attempt(&key(number), rule, now).await.unwrap();
    tx.commit().await.unwrap();
    is_counted
}

async fn count(fixture: &Fixture, number: u32, now: Timestamp) {
    assert!(count_by(&fixture.store, &COUNT, (number, now)).await);
}

async fn take(store: &Arc<dyn Store>, now: Timestamp) -> bool {
    let tx = store.write().await.unwrap();
    let taken = tx.throttles().take_budget(&key(1), &BUDGET, now).await.unwrap();
    tx.commit().await.unwrap();
    taken
}

fn throttle(count: i32, first: i64, last: i64) -> Throttle {
    Throttle { count, first_time: at(first), last_time: at(last) }
}

async fn a_counter_that_never_counted_is_not_there(fixture: Fixture) {
    count(&fixture, 2, at(0)).await;
    assert_eq!(find(&fixture, 1).await, None);
}

async fn events_are_counted_with_their_first_and_last_time(fixture: Fixture) {
    for (now, expected) in [(0, throttle(1, 0, 0)), (5, throttle(2, 0, 5)), (7, throttle(3, 0, 7))] {
        count(&fixture, 1, at(now)).await;
        count(&fixture, 2, at(now + 1)).await;
        assert_eq!(find(&fixture, 1).await, Some(expected));
    }
    assert_eq!(find(&fixture, 2).await, Some(throttle(3, 1, 8)));
}

async fn a_count_begins_anew_after_a_time_without_events(fixture: Fixture) {
    for now in [0, 10, 110] {
        count(&fixture, 1, at(now)).await;
    }
    assert_eq!(find(&fixture, 1).await, Some(throttle(3, 0, 110)), "the last event is not older than the limit");
    count(&fixture, 1, at(210) + TICK).await;
    assert_eq!(find(&fixture, 1).await.map(|found| (found.count, found.first_time)), Some((1, at(210) + TICK)));
}

async fn parallel_events_are_all_counted(fixture: Fixture) {
    in_parallel(&fixture.store, 32, |store, _| async move {
        assert!(count_by(&store, &COUNT, (1, at(0))).await);
    })
    .await;
    assert_eq!(find(&fixture, 1).await, Some(throttle(32, 0, 0)));
}

async fn attempts_are_counted_unless_they_have_to_wait(fixture: Fixture) {
    let at_tenths = |tenths: i64| at(0) + Duration::milliseconds(tenths * 100);
    for (tenths, is_counted) in [
        (0, true),
        (0, true),
        (0, true),
        // A second after the third, then two.
        (0, false),
        (9, false),
        (10, true),
        (20, false),
        (29, false),
        (30, true),
        (49, false),
        (50, true),
        (69, false),
        (70, true),
    ] {
        assert_eq!(count_by(&fixture.store, &SLOW, (1, at_tenths(tenths))).await, is_counted, "{tenths}");
    }
    assert_eq!(find(&fixture, 1).await, Some(throttle(7, 0, 7)), "what had to wait was not counted");
}

async fn of_parallel_attempts_only_the_free_ones_are_counted(fixture: Fixture) {
    let counted =
        in_parallel(&fixture.store, 16, |store, _| async move { count_by(&store, &SLOW, (1, at(0))).await }).await;
    assert_eq!(counted.into_iter().filter(|&is_counted| is_counted).count(), 3);
}

async fn a_forgotten_counter_is_gone(fixture: Fixture) {
    count(&fixture, 1, at(0)).await;
    count(&fixture, 1, at(3)).await;
    count(&fixture, 2, at(0)).await;
    let tx = fixture.write().await;
    assert_eq!(tx.throttles().take_throttle(&key(1)).await.unwrap(), Some(throttle(2, 0, 3)));
    assert_eq!(tx.throttles().take_throttle(&key(1)).await.unwrap(), None);
    tx.commit().await.unwrap();
    assert_eq!(find(&fixture, 1).await, None);
    assert_eq!(find(&fixture, 2).await, Some(throttle(1, 0, 0)));
}

/// Whoever forgets a counter learns of all that was counted before, also by transactions that began earlier.
async fn a_counter_is_forgotten_after_whoever_counts_it(fixture: Fixture) {
    count(&fixture, 1, at(0)).await;
    let counting = fixture.write().await;
    assert!(counting.throttles().count_attempt(&key(1), &COUNT, at(1)).await.unwrap());
    let store = fixture.store.clone();
    let forgetting = tokio::spawn(async move {
        let tx = store.write().await.unwrap();
        let taken = tx.throttles().take_throttle(&key(1)).await.unwrap();
        tx.commit().await.unwrap();
        taken
    });
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    counting.commit().await.unwrap();
    assert_eq!(forgetting.await.unwrap(), Some(throttle(2, 0, 1)));
}

async fn a_budget_keeps_the_gap(fixture: Fixture) {
    assert!(take(&fixture.store, at(0)).await);
    assert!(!take(&fixture.store, at(0)).await);
    assert!(!take(&fixture.store, at(60) - TICK).await);
    assert!(take(&fixture.store, at(60)).await);
    assert_eq!(find(&fixture, 1).await, Some(throttle(2, 0, 60)));
}

async fn a_budget_holds_for_one_window(fixture: Fixture) {
    for now in [0, 60, 120] {
        assert!(take(&fixture.store, at(now)).await);
    }
    assert!(!take(&fixture.store, at(180)).await);
    assert!(!take(&fixture.store, at(3600) - TICK).await);
    assert!(take(&fixture.store, at(3600)).await);
    assert_eq!(find(&fixture, 1).await, Some(throttle(1, 3600, 3600)));
    assert!(take(&fixture.store, at(3660)).await);
}

async fn a_gap_reaches_across_windows(fixture: Fixture) {
    assert!(take(&fixture.store, at(0)).await);
    assert!(take(&fixture.store, at(3590)).await);
    assert!(!take(&fixture.store, at(3610)).await);
    assert!(take(&fixture.store, at(3650)).await);
    assert_eq!(find(&fixture, 1).await, Some(throttle(1, 3650, 3650)));
}

/// Calls read the clock when they come; a storm of sign-ins ends in another order.
async fn without_a_gap_a_call_that_was_overtaken_takes_its_share(fixture: Fixture) {
    let budget = Budget { gap: Duration::ZERO, ..BUDGET };
    for (now, is_taken) in [(at(10), true), (at(3), true), (at(7), true), (at(11), false)] {
        let tx = fixture.write().await;
        assert_eq!(tx.throttles().take_budget(&key(1), &budget, now).await.unwrap(), is_taken);
        tx.commit().await.unwrap();
    }
}

async fn a_refusal_is_not_counted(fixture: Fixture) {
    assert!(take(&fixture.store, at(0)).await);
    for now in 1..10 {
        assert!(!take(&fixture.store, at(now)).await);
    }
    assert_eq!(find(&fixture, 1).await, Some(throttle(1, 0, 0)));
}

async fn of_parallel_takers_within_the_gap_exactly_one_succeeds(fixture: Fixture) {
    // First without a counter, then with one whose gap is long over.
    for round in [0, 1000] {
        let taken = in_parallel(&fixture.store, 16, move |store, number| async move {
            take(&store, at(round + i64::from(number))).await
        });
        assert_eq!(taken.await.into_iter().filter(|taken| *taken).count(), 1);
    }
}

async fn idle_counters_are_purged_in_batches(fixture: Fixture) {
    for number in 0..6 {
        for now in [at(-1000), at(i64::from(number))] {
            assert!(count_by(&fixture.store, &SlowDown::ACCOUNT, (number, now)).await);
        }
    }
    for expected in [3, 2, 0] {
        let tx = fixture.write().await;
        assert_eq!(tx.throttles().purge_throttles(at(5), 3).await.unwrap(), expected);
        tx.commit().await.unwrap();
    }
    assert_eq!(find(&fixture, 5).await, Some(throttle(2, -1000, 5)));
}
