//! Jobs that were given up, and what operators see of jobs.

use ipse::application::ports::{Job, JobCounts, ListedJob};
use ipse::domain::Timestamp;
use ipse::domain::id::JobId;
use time::Duration;

use super::Fixture;
use super::jobs::{LANE, bury, claim, claim_of, enqueue, ids, ids_of, job, list};
use super::samples::{HOSTILE, TICK, at, job_id};
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    a_job_that_was_given_up_is_kept_and_not_claimed
    a_revived_job_is_claimed_again
    jobs_are_listed_in_pages
    jobs_are_counted_by_kind
    old_dead_jobs_are_purged_in_batches
}

async fn revive(fixture: &Fixture, number: u32, now: Timestamp) -> bool {
    let tx = fixture.write().await;
    let revived = tx.jobs().revive_job(job_id(number), now, now + Duration::HOUR).await.unwrap();
    tx.commit().await.unwrap();
    revived
}

async fn a_job_that_was_given_up_is_kept_and_not_claimed(fixture: Fixture) {
    enqueue(&fixture, [1, 2].map(job)).await;
    assert_eq!(claim(&fixture, at(2), at(60), 10).await.len(), 2);
    assert!(bury(&fixture, claim_of(1, 1), at(7)).await);
    assert!(!bury(&fixture, claim_of(1, 1), at(8)).await, "the lease ended with it");
    assert_eq!(ids(&claim(&fixture, at(1000), at(2000), 10).await), ids_of([2]));
    let dead = ListedJob {
        id: job_id(1),
        kind: "kind".to_owned(),
        lane: LANE.to_owned(),
        create_time: at(1),
        run_time: at(60),
        attempts: 1,
        is_claimed: false,
        last_error: Some(HOSTILE.to_owned()),
        dead_time: Some(at(7)),
    };
    assert_eq!(list(&fixture, true).await, [dead]);
    assert_eq!(list(&fixture, false).await.len(), 2);
}

async fn a_revived_job_is_claimed_again(fixture: Fixture) {
    enqueue(&fixture, [1, 2].map(job)).await;
    assert_eq!(claim(&fixture, at(1), at(60), 10).await.len(), 1);
    assert!(!revive(&fixture, 1, at(9)).await, "a worker has it");
    assert!(!revive(&fixture, 2, at(9)).await, "it waits");
    assert!(!revive(&fixture, 3, at(9)).await, "there is none");
    assert!(bury(&fixture, claim_of(1, 1), at(7)).await);
    assert!(revive(&fixture, 1, at(50)).await);
    assert!(!revive(&fixture, 1, at(51)).await);
    assert!(list(&fixture, true).await.is_empty());
    assert_eq!(ids(&claim(&fixture, at(50) - TICK, at(99), 10).await), ids_of([2]));
    let again = claim(&fixture, at(50), at(99), 10).await;
    let give_up_time = Some(at(50) + Duration::HOUR);
    assert_eq!(again, [Job { attempts: 1, run_time: at(99), give_up_time, ..job(1) }]);
}

async fn jobs_are_listed_in_pages(fixture: Fixture) {
    enqueue(&fixture, [4, 2, 1, 3].map(job)).await;
    assert_eq!(claim(&fixture, at(3), at(60), 10).await.len(), 3);
    for number in [1, 3] {
        assert!(bury(&fixture, claim_of(number, 1), at(7)).await);
    }
    for (dead_only, expected) in [(false, vec![1, 2, 3, 4]), (true, vec![1, 3])] {
        let (mut after, mut seen) = (JobId::NOBODY, Vec::new());
        loop {
            let page = fixture.read().await.jobs().list_jobs(after, dead_only, 1).await.unwrap();
            let [job] = &page[..] else { break };
            after = job.id;
            seen.push(job.id.to_string());
        }
        assert_eq!(seen, ids_of(expected));
    }
}

async fn jobs_are_counted_by_kind(fixture: Fixture) {
    assert_eq!(fixture.read().await.jobs().count_jobs(at(4)).await.unwrap(), []);
    let of_kind = |number, kind: &str| Job { kind: kind.to_owned(), ..job(number) };
    enqueue(&fixture, [of_kind(1, "b"), of_kind(5, "a"), of_kind(4, "a"), of_kind(2, "a"), of_kind(3, "c")]).await;
    assert_eq!(claim(&fixture, at(3), at(60), 10).await.len(), 3);
    for number in [2, 3] {
        assert!(bury(&fixture, claim_of(number, 1), at(7)).await);
    }
    let count = |kind: &str, (waiting, due), first: Option<i64>, dead| JobCounts {
        kind: kind.to_owned(),
        waiting,
        due,
        first_run_time: first.map(at),
        dead,
    };
    let expected = [count("a", (2, 1), Some(4), 1), count("b", (1, 0), Some(60), 0), count("c", (0, 0), None, 1)];
    assert_eq!(fixture.read().await.jobs().count_jobs(at(4)).await.unwrap(), expected);
}

async fn old_dead_jobs_are_purged_in_batches(fixture: Fixture) {
    enqueue(&fixture, (1..=5).map(job)).await;
    assert_eq!(claim(&fixture, at(4), at(60), 10).await.len(), 4);
    for number in 1..=4 {
        assert!(bury(&fixture, claim_of(number, 1), at(10 + i64::from(number))).await);
    }
    let purge = async |limit| {
        let tx = fixture.write().await;
        let purged = tx.jobs().purge_dead_jobs(at(14), limit).await.unwrap();
        tx.commit().await.unwrap();
        purged
    };
    assert_eq!(purge(2).await, 2);
    let left: Vec<String> = list(&fixture, false).await.iter().map(|job| job.id.to_string()).collect();
    assert_eq!(left, ids_of([3, 4, 5]), "the oldest go first");
    assert_eq!((purge(2).await, purge(2).await), (1, 0));
    let left: Vec<String> = list(&fixture, false).await.iter().map(|job| job.id.to_string()).collect();
    assert_eq!(left, ids_of([4, 5]), "the time itself is not before it");
}
