//! Jobs with a key, of which there is one at a time.

use ipse::application::ports::{Job, Lease};

use super::jobs::{LANE, bury, claim, claim_of, enqueue, finish, ids, ids_of, job, list};
use super::samples::{at, lease_id};
use super::{Fixture, in_parallel};
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    a_unique_key_stands_for_one_job
    of_many_who_add_a_unique_job_one_does
    a_job_is_cancelled_by_its_key
    a_job_that_a_worker_has_is_not_cancelled
    a_job_that_was_given_up_is_cancelled
    of_parallel_cancellations_and_claims_exactly_one_gets_the_job
}

async fn cancel(fixture: &Fixture, key: &str) -> bool {
    let tx = fixture.write().await;
    let cancelled = tx.jobs().cancel_job(key).await.unwrap();
    tx.commit().await.unwrap();
    cancelled
}

fn unique(number: u32, key: &str) -> Job {
    Job { unique_key: Some(key.to_owned()), ..job(number) }
}

async fn a_unique_key_stands_for_one_job(fixture: Fixture) {
    let tx = fixture.write().await;
    assert!(tx.jobs().enqueue_job(&unique(1, "a")).await.unwrap());
    assert!(!tx.jobs().enqueue_job(&unique(2, "a")).await.unwrap());
    assert!(tx.jobs().enqueue_job(&unique(3, "A")).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(ids(&claim(&fixture, at(9), at(60), 10).await), ids_of([1, 3]));
    assert!(finish(&fixture, claim_of(1, 1)).await);
    enqueue(&fixture, [unique(4, "a")]).await;
}

async fn of_many_who_add_a_unique_job_one_does(fixture: Fixture) {
    let added = in_parallel(&fixture.store, 8, |store, number| async move {
        let tx = store.write().await.unwrap();
        let added = tx.jobs().enqueue_job(&unique(number, "a")).await.unwrap();
        tx.commit().await.unwrap();
        added
    });
    assert_eq!(added.await.into_iter().filter(|&added| added).count(), 1);
    assert_eq!(list(&fixture, false).await.len(), 1);
}

async fn a_job_is_cancelled_by_its_key(fixture: Fixture) {
    enqueue(&fixture, [unique(1, "a"), unique(2, "A"), job(3)]).await;
    assert!(!cancel(&fixture, "b").await);
    assert!(cancel(&fixture, "a").await);
    assert!(!cancel(&fixture, "a").await);
    assert_eq!(ids(&claim(&fixture, at(9), at(60), 10).await), ids_of([2, 3]));
    enqueue(&fixture, [unique(4, "a")]).await;
}

async fn a_job_that_a_worker_has_is_not_cancelled(fixture: Fixture) {
    enqueue(&fixture, [unique(1, "a")]).await;
    assert_eq!(claim(&fixture, at(1), at(60), 10).await.len(), 1);
    assert!(!cancel(&fixture, "a").await);
    assert!(finish(&fixture, claim_of(1, 1)).await);
    assert!(!cancel(&fixture, "a").await, "it is done");
}

async fn a_job_that_was_given_up_is_cancelled(fixture: Fixture) {
    enqueue(&fixture, [unique(1, "a")]).await;
    assert_eq!(claim(&fixture, at(1), at(60), 10).await.len(), 1);
    assert!(bury(&fixture, claim_of(1, 1), at(7)).await);
    assert!(cancel(&fixture, "a").await);
    assert!(list(&fixture, false).await.is_empty());
}

async fn of_parallel_cancellations_and_claims_exactly_one_gets_the_job(fixture: Fixture) {
    enqueue(&fixture, [unique(1, "a")]).await;
    let got = in_parallel(&fixture.store, 20, |store, number| async move {
        let tx = store.write().await.unwrap();
        let got = if number % 2 == 0 {
            tx.jobs().cancel_job("a").await.unwrap()
        } else {
            let lease = Lease { id: lease_id(number), begin: at(9), end: at(60) };
            !tx.jobs().claim_jobs(LANE, &lease, 1).await.unwrap().is_empty()
        };
        tx.commit().await.unwrap();
        got
    });
    assert_eq!(got.await.into_iter().filter(|got| *got).count(), 1);
}
