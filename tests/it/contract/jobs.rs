use std::collections::HashSet;

use ipse::application::ports::OutboxEntry;
use ipse::domain::Timestamp;

use super::samples::{HOSTILE, TICK, at, mail_id, user};
use super::{Fixture, in_parallel};
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    a_mail_comes_back_with_nothing_missing
    mail_is_claimed_once_it_is_due
    the_oldest_mail_is_claimed_first
    a_claim_that_is_rolled_back_gives_the_mail_back
    parallel_workers_claim_different_mail
    claimed_mail_can_be_claimed_again_at_the_retry_time
    removed_mail_is_gone
    mail_is_erased_with_the_person_it_is_for
    postponed_mail_waits
    the_next_mail_time_is_the_earliest
}

/// A mail that is due as many seconds after the beginning as its number says.
fn entry(number: u32) -> OutboxEntry {
    let time = at(i64::from(number));
    OutboxEntry {
        id: mail_id(number),
        user_id: None,
        kind: "verify_email".to_owned(),
        sealed: number.to_be_bytes().to_vec(),
        create_time: time,
        attempts: 0,
        next_attempt_time: time,
    }
}

async fn enqueue(fixture: &Fixture, entries: impl IntoIterator<Item = OutboxEntry>) {
    let mut tx = fixture.write().await;
    for entry in entries {
        tx.outbox().enqueue_mail(&entry).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn claim(fixture: &Fixture, now: Timestamp, retry_time: Timestamp, limit: i64) -> Vec<OutboxEntry> {
    let mut tx = fixture.write().await;
    let claimed = tx.outbox().claim_mail(now, retry_time, limit).await.unwrap();
    tx.commit().await.unwrap();
    claimed
}

async fn next_time(fixture: &Fixture) -> Option<Timestamp> {
    fixture.read().await.outbox().next_mail_time().await.unwrap()
}

fn ids(entries: &[OutboxEntry]) -> Vec<String> {
    entries.iter().map(|entry| entry.id.to_string()).collect()
}

fn ids_of(numbers: impl IntoIterator<Item = u32>) -> Vec<String> {
    numbers.into_iter().map(|number| mail_id(number).to_string()).collect()
}

async fn a_mail_comes_back_with_nothing_missing(fixture: Fixture) {
    let stored = OutboxEntry { kind: HOSTILE.to_owned(), sealed: (0..=255).collect(), attempts: 3, ..entry(1) };
    enqueue(&fixture, [stored.clone()]).await;
    let claimed = claim(&fixture, at(1), at(61), 10).await;
    assert_eq!(claimed, [OutboxEntry { attempts: 4, next_attempt_time: at(61), ..stored }]);
}

async fn mail_is_claimed_once_it_is_due(fixture: Fixture) {
    enqueue(&fixture, [entry(5)]).await;
    assert_eq!(ids(&claim(&fixture, at(5) - TICK, at(60), 10).await), ids_of([]));
    assert_eq!(ids(&claim(&fixture, at(5), at(60), 10).await), ids_of([5]));
}

async fn the_oldest_mail_is_claimed_first(fixture: Fixture) {
    enqueue(&fixture, [3, 1, 4, 7, 5, 9, 2, 6].map(entry)).await;
    assert_eq!(ids(&claim(&fixture, at(8), at(60), 3).await), ids_of([1, 2, 3]));
    assert_eq!(ids(&claim(&fixture, at(8), at(60), 3).await), ids_of([4, 5, 6]));
    assert_eq!(ids(&claim(&fixture, at(8), at(60), 3).await), ids_of([7]));
    assert_eq!(ids(&claim(&fixture, at(8), at(60), 3).await), ids_of([]));
}

async fn a_claim_that_is_rolled_back_gives_the_mail_back(fixture: Fixture) {
    enqueue(&fixture, [entry(1)]).await;
    let mut tx = fixture.write().await;
    assert_eq!(tx.outbox().claim_mail(at(1), at(60), 10).await.unwrap().len(), 1);
    drop(tx);
    fixture.settle().await;
    assert_eq!(next_time(&fixture).await, Some(at(1)));
    let claimed = claim(&fixture, at(1), at(60), 10).await;
    assert_eq!(claimed.iter().map(|entry| entry.attempts).collect::<Vec<_>>(), [1]);
}

async fn parallel_workers_claim_different_mail(fixture: Fixture) {
    enqueue(&fixture, (0..40).map(entry)).await;
    let batches = in_parallel(&fixture.store, 8, |store, _| async move {
        let mut batches = Vec::new();
        loop {
            let mut tx = store.write().await.unwrap();
            let claimed = tx.outbox().claim_mail(at(40), at(60), 3).await.unwrap();
            tx.commit().await.unwrap();
            if claimed.is_empty() {
                return batches;
            }
            batches.extend(ids(&claimed));
        }
    });
    let claimed = batches.await.concat();
    assert_eq!(claimed.len(), 40);
    assert_eq!(claimed.into_iter().collect::<HashSet<_>>(), ids_of(0..40).into_iter().collect());
}

async fn claimed_mail_can_be_claimed_again_at_the_retry_time(fixture: Fixture) {
    enqueue(&fixture, [entry(1)]).await;
    assert_eq!(claim(&fixture, at(1), at(60), 10).await.len(), 1);
    assert_eq!(next_time(&fixture).await, Some(at(60)));
    assert_eq!(ids(&claim(&fixture, at(60) - TICK, at(120), 10).await), ids_of([]));
    let again = claim(&fixture, at(60), at(120), 10).await;
    assert_eq!(again, [OutboxEntry { attempts: 2, next_attempt_time: at(120), ..entry(1) }]);
}

async fn removed_mail_is_gone(fixture: Fixture) {
    enqueue(&fixture, [1, 2].map(entry)).await;
    let mut tx = fixture.write().await;
    for _ in 0..2 {
        tx.outbox().remove_mail(mail_id(1)).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(ids(&claim(&fixture, at(9), at(60), 10).await), ids_of([2]));
}

async fn mail_is_erased_with_the_person_it_is_for(fixture: Fixture) {
    fixture.put_users(&[user(1), user(2)]).await;
    let to = |number: u32| OutboxEntry { user_id: Some(user(number).id), ..entry(number) };
    enqueue(&fixture, [to(1), to(2), entry(3)]).await;
    let mut tx = fixture.write().await;
    tx.users().erase_user(user(1).id, at(9)).await.unwrap();
    tx.commit().await.unwrap();
    let left = claim(&fixture, at(3), at(60), 10).await;
    assert_eq!(ids(&left), ids_of([2, 3]));
    assert_eq!(left[0].user_id, Some(user(2).id));
}

async fn postponed_mail_waits(fixture: Fixture) {
    enqueue(&fixture, [1, 2].map(entry)).await;
    let mut tx = fixture.write().await;
    tx.outbox().postpone_mail(mail_id(1), at(30)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ids(&claim(&fixture, at(29), at(60), 10).await), ids_of([2]));
    let later = claim(&fixture, at(30), at(90), 10).await;
    assert_eq!(later, [OutboxEntry { attempts: 1, next_attempt_time: at(90), ..entry(1) }]);
}

async fn the_next_mail_time_is_the_earliest(fixture: Fixture) {
    assert_eq!(next_time(&fixture).await, None);
    enqueue(&fixture, [7, 3, 9].map(entry)).await;
    assert_eq!(next_time(&fixture).await, Some(at(3)));
}
