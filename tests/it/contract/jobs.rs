use std::collections::HashSet;

use ipse::application::ports::{Job, JobClaim, JobPayload, Lease, ListedJob};
use ipse::domain::Timestamp;
use ipse::domain::id::JobId;
use time::Duration;

use super::samples::{HOSTILE, TICK, at, job_id, lease_id, user};
use super::{Fixture, in_parallel};
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    a_job_comes_back_with_nothing_missing
    plain_and_sealed_payloads_are_told_apart
    jobs_are_claimed_once_they_are_due
    the_oldest_jobs_are_claimed_first
    each_lane_is_claimed_by_itself
    a_claim_that_is_rolled_back_gives_the_job_back
    parallel_workers_claim_different_jobs
    claimed_jobs_can_be_claimed_again_when_their_lease_ends
    of_two_who_claim_when_a_lease_ends_one_gets_the_job
    a_finished_job_is_gone
    a_job_is_erased_with_the_person_it_is_about
    a_job_that_failed_waits
    a_rescheduled_job_begins_anew
    the_next_run_time_is_the_earliest_of_the_lane
    a_worker_whose_lease_passed_on_changes_nothing
    a_worker_whose_lease_ended_unnoticed_still_has_the_job
    a_job_that_nobody_claimed_is_nobodys_to_change
}

pub(super) const LANE: &str = "lane";

/// A job that is due as many seconds after the beginning as its number says.
pub(super) fn job(number: u32) -> Job {
    let time = at(i64::from(number));
    Job {
        id: job_id(number),
        kind: "kind".to_owned(),
        lane: LANE.to_owned(),
        unique_key: None,
        payload: JobPayload::Sealed(number.to_be_bytes().to_vec()),
        user_id: None,
        create_time: time,
        run_time: time,
        give_up_time: Some(time + Duration::DAY),
        attempts: 0,
    }
}

/// The lease of this number.
fn lease(number: u32, begin: Timestamp, end: Timestamp) -> Lease {
    Lease { id: lease_id(number), begin, end }
}

/// The job of this number in the hands of the worker with the lease of that number.
pub(super) fn claim_of(number: u32, lease: u32) -> JobClaim {
    JobClaim { id: job_id(number), lease: lease_id(lease) }
}

pub(super) async fn enqueue(fixture: &Fixture, jobs: impl IntoIterator<Item = Job>) {
    let tx = fixture.write().await;
    for job in jobs {
        assert!(tx.jobs().enqueue_job(&job).await.unwrap());
    }
    tx.commit().await.unwrap();
}

async fn claim_by(fixture: &Fixture, lease: &Lease, limit: i64) -> Vec<Job> {
    let tx = fixture.write().await;
    let claimed = tx.jobs().claim_jobs(LANE, lease, limit).await.unwrap();
    tx.commit().await.unwrap();
    claimed
}

/// A claim under the lease 1.
pub(super) async fn claim(fixture: &Fixture, now: Timestamp, end: Timestamp, limit: i64) -> Vec<Job> {
    claim_by(fixture, &lease(1, now, end), limit).await
}

pub(super) async fn finish(fixture: &Fixture, claim: JobClaim) -> bool {
    let tx = fixture.write().await;
    let finished = tx.jobs().finish_job(claim).await.unwrap();
    tx.commit().await.unwrap();
    finished
}

async fn reschedule(fixture: &Fixture, claim: JobClaim, run_time: Timestamp) -> bool {
    let tx = fixture.write().await;
    let rescheduled = tx.jobs().reschedule_job(claim, run_time).await.unwrap();
    tx.commit().await.unwrap();
    rescheduled
}

async fn retry_later(fixture: &Fixture, claim: JobClaim, run_time: Timestamp) -> bool {
    let tx = fixture.write().await;
    let postponed = tx.jobs().retry_job_later(claim, run_time, HOSTILE).await.unwrap();
    tx.commit().await.unwrap();
    postponed
}

pub(super) async fn bury(fixture: &Fixture, claim: JobClaim, now: Timestamp) -> bool {
    let tx = fixture.write().await;
    let buried = tx.jobs().bury_job(claim, now, HOSTILE).await.unwrap();
    tx.commit().await.unwrap();
    buried
}

async fn next_time(fixture: &Fixture) -> Option<Timestamp> {
    fixture.read().await.jobs().next_run_time(LANE).await.unwrap()
}

pub(super) async fn list(fixture: &Fixture, dead_only: bool) -> Vec<ListedJob> {
    fixture.read().await.jobs().list_jobs(JobId::NOBODY, dead_only, 100).await.unwrap()
}

pub(super) fn ids(jobs: &[Job]) -> Vec<String> {
    jobs.iter().map(|job| job.id.to_string()).collect()
}

pub(super) fn ids_of(numbers: impl IntoIterator<Item = u32>) -> Vec<String> {
    numbers.into_iter().map(|number| job_id(number).to_string()).collect()
}

async fn a_job_comes_back_with_nothing_missing(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    let stored = Job {
        kind: HOSTILE.to_owned(),
        unique_key: Some(HOSTILE.to_owned()),
        payload: JobPayload::Sealed((0..=255).collect()),
        user_id: Some(user(1).id),
        attempts: 3,
        ..job(1)
    };
    enqueue(&fixture, [stored.clone()]).await;
    let claimed = claim(&fixture, at(1), at(61), 10).await;
    assert_eq!(claimed, [Job { attempts: 4, run_time: at(61), ..stored }]);
}

async fn plain_and_sealed_payloads_are_told_apart(fixture: Fixture) {
    let payloads = [JobPayload::Plain(Vec::new()), JobPayload::Plain(vec![0, 255]), JobPayload::Sealed(vec![0, 255])];
    let jobs = payloads.clone().into_iter().zip(1..).map(|(payload, number)| Job {
        payload,
        give_up_time: None,
        ..job(number)
    });
    enqueue(&fixture, jobs).await;
    let claimed = claim(&fixture, at(9), at(60), 10).await;
    assert_eq!(claimed.iter().map(|job| job.payload.clone()).collect::<Vec<_>>(), payloads);
    assert!(claimed.iter().all(|job| job.give_up_time.is_none()));
}

async fn jobs_are_claimed_once_they_are_due(fixture: Fixture) {
    enqueue(&fixture, [job(5)]).await;
    assert_eq!(ids(&claim(&fixture, at(5) - TICK, at(60), 10).await), ids_of([]));
    assert_eq!(ids(&claim(&fixture, at(5), at(60), 10).await), ids_of([5]));
}

async fn the_oldest_jobs_are_claimed_first(fixture: Fixture) {
    enqueue(&fixture, [3, 1, 4, 7, 5, 9, 2, 6].map(job)).await;
    assert_eq!(ids(&claim(&fixture, at(8), at(60), 3).await), ids_of([1, 2, 3]));
    assert_eq!(ids(&claim(&fixture, at(8), at(60), 3).await), ids_of([4, 5, 6]));
    assert_eq!(ids(&claim(&fixture, at(8), at(60), 3).await), ids_of([7]));
    assert_eq!(ids(&claim(&fixture, at(8), at(60), 3).await), ids_of([]));
}

async fn each_lane_is_claimed_by_itself(fixture: Fixture) {
    let elsewhere = |number| Job { lane: "another lane".to_owned(), ..job(number) };
    enqueue(&fixture, [elsewhere(1), job(2), elsewhere(3), job(4)]).await;
    assert_eq!(next_time(&fixture).await, Some(at(2)));
    assert_eq!(ids(&claim(&fixture, at(9), at(60), 10).await), ids_of([2, 4]));
    assert_eq!(ids(&claim(&fixture, at(9), at(60), 10).await), ids_of([]));
    let tx = fixture.write().await;
    let claimed = tx.jobs().claim_jobs("another lane", &lease(2, at(9), at(60)), 10).await.unwrap();
    assert_eq!(ids(&claimed), ids_of([1, 3]));
}

async fn a_claim_that_is_rolled_back_gives_the_job_back(fixture: Fixture) {
    enqueue(&fixture, [job(1)]).await;
    let tx = fixture.write().await;
    assert_eq!(tx.jobs().claim_jobs(LANE, &lease(1, at(1), at(60)), 10).await.unwrap().len(), 1);
    drop(tx);
    fixture.settle().await;
    assert_eq!(next_time(&fixture).await, Some(at(1)));
    let claimed = claim(&fixture, at(1), at(60), 10).await;
    assert_eq!(claimed.iter().map(|job| job.attempts).collect::<Vec<_>>(), [1]);
}

async fn parallel_workers_claim_different_jobs(fixture: Fixture) {
    enqueue(&fixture, (0..40).map(job)).await;
    let batches = in_parallel(&fixture.store, 8, |store, number| async move {
        let mut batches = Vec::new();
        loop {
            let tx = store.write().await.unwrap();
            let claimed = tx.jobs().claim_jobs(LANE, &lease(number, at(40), at(60)), 3).await.unwrap();
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

async fn claimed_jobs_can_be_claimed_again_when_their_lease_ends(fixture: Fixture) {
    enqueue(&fixture, [job(1)]).await;
    assert_eq!(claim(&fixture, at(1), at(60), 10).await.len(), 1);
    assert_eq!(next_time(&fixture).await, Some(at(60)));
    assert_eq!(ids(&claim(&fixture, at(60) - TICK, at(120), 10).await), ids_of([]));
    let again = claim(&fixture, at(60), at(120), 10).await;
    assert_eq!(again, [Job { attempts: 2, run_time: at(120), ..job(1) }]);
}

async fn of_two_who_claim_when_a_lease_ends_one_gets_the_job(fixture: Fixture) {
    enqueue(&fixture, [job(1)]).await;
    assert_eq!(claim(&fixture, at(1), at(60), 1).await.len(), 1);
    let claims = in_parallel(&fixture.store, 8, |store, number| async move {
        let tx = store.write().await.unwrap();
        let claimed = tx.jobs().claim_jobs(LANE, &lease(10 + number, at(60), at(120)), 1).await.unwrap();
        tx.commit().await.unwrap();
        claimed.len()
    });
    let claims = claims.await;
    assert_eq!(claims.iter().sum::<usize>(), 1);
    let winner = u32::try_from(claims.iter().position(|&count| count == 1).unwrap()).unwrap();
    for other in (0..8).filter(|&number| number != winner) {
        assert!(!finish(&fixture, claim_of(1, 10 + other)).await);
    }
    assert!(finish(&fixture, claim_of(1, 10 + winner)).await);
}

async fn a_finished_job_is_gone(fixture: Fixture) {
    enqueue(&fixture, [1, 2].map(job)).await;
    assert_eq!(claim(&fixture, at(9), at(60), 10).await.len(), 2);
    assert!(finish(&fixture, claim_of(1, 1)).await);
    assert!(!finish(&fixture, claim_of(1, 1)).await);
    assert_eq!(ids(&claim(&fixture, at(60), at(120), 10).await), ids_of([2]));
}

async fn a_job_is_erased_with_the_person_it_is_about(fixture: Fixture) {
    fixture.put_users(&[user(1), user(2)]).await;
    let about = |number: u32| Job { user_id: Some(user(number).id), ..job(number) };
    enqueue(&fixture, [about(1), about(2), job(3)]).await;
    let tx = fixture.write().await;
    tx.users().erase_user(user(1).id, at(9)).await.unwrap();
    tx.commit().await.unwrap();
    let left = claim(&fixture, at(3), at(60), 10).await;
    assert_eq!(ids(&left), ids_of([2, 3]));
    assert_eq!(left[0].user_id, Some(user(2).id));
}

async fn a_job_that_failed_waits(fixture: Fixture) {
    enqueue(&fixture, [1, 2].map(job)).await;
    assert_eq!(claim(&fixture, at(1), at(20), 10).await.len(), 1);
    assert!(retry_later(&fixture, claim_of(1, 1), at(30)).await);
    let listed = &list(&fixture, false).await[0];
    assert_eq!((listed.is_claimed, listed.last_error.as_deref()), (false, Some(HOSTILE)));
    assert_eq!(ids(&claim(&fixture, at(29), at(60), 10).await), ids_of([2]));
    let later = claim(&fixture, at(30), at(90), 10).await;
    assert_eq!(later, [Job { attempts: 2, run_time: at(90), ..job(1) }]);
}

async fn a_rescheduled_job_begins_anew(fixture: Fixture) {
    enqueue(&fixture, [job(1)]).await;
    for (lease_number, now) in [(1, 1), (2, 20)] {
        assert_eq!(claim_by(&fixture, &lease(lease_number, at(now), at(60)), 1).await.len(), 1);
        if lease_number == 1 {
            assert!(retry_later(&fixture, claim_of(1, 1), at(20)).await);
        }
    }
    assert!(reschedule(&fixture, claim_of(1, 2), at(600)).await);
    assert!(!finish(&fixture, claim_of(1, 2)).await, "the lease ended with it");
    let [listed] = &list(&fixture, false).await[..] else { panic!("one job") };
    assert_eq!((listed.attempts, listed.is_claimed, &listed.last_error), (0, false, &None));
    assert_eq!(ids(&claim(&fixture, at(600) - TICK, at(900), 1).await), ids_of([]));
    let again = claim(&fixture, at(600), at(900), 1).await;
    assert_eq!(again, [Job { attempts: 1, run_time: at(900), ..job(1) }]);
}

async fn the_next_run_time_is_the_earliest_of_the_lane(fixture: Fixture) {
    assert_eq!(next_time(&fixture).await, None);
    enqueue(&fixture, [7, 3, 9].map(job)).await;
    assert_eq!(next_time(&fixture).await, Some(at(3)));
    assert_eq!(claim(&fixture, at(3), at(60), 1).await.len(), 1);
    assert!(bury(&fixture, claim_of(3, 1), at(4)).await);
    assert_eq!(next_time(&fixture).await, Some(at(7)), "what was given up is not due");
}

async fn a_worker_whose_lease_passed_on_changes_nothing(fixture: Fixture) {
    enqueue(&fixture, [job(1)]).await;
    assert_eq!(claim_by(&fixture, &lease(1, at(1), at(60)), 1).await.len(), 1);
    assert_eq!(claim_by(&fixture, &lease(2, at(60), at(120)), 1).await.len(), 1);
    let late = claim_of(1, 1);
    assert!(!finish(&fixture, late).await);
    assert!(!reschedule(&fixture, late, at(900)).await);
    assert!(!retry_later(&fixture, late, at(900)).await);
    assert!(!bury(&fixture, late, at(61)).await);
    let [listed] = &list(&fixture, false).await[..] else { panic!("one job") };
    let state = (listed.run_time, listed.attempts, listed.is_claimed, &listed.last_error, listed.dead_time);
    assert_eq!(state, (at(120), 2, true, &None, None));
    assert!(finish(&fixture, claim_of(1, 2)).await);
}

async fn a_worker_whose_lease_ended_unnoticed_still_has_the_job(fixture: Fixture) {
    enqueue(&fixture, [job(1)]).await;
    assert_eq!(claim(&fixture, at(1), at(60), 1).await.len(), 1);
    // Nobody else has claimed it, whatever the time is.
    assert!(finish(&fixture, claim_of(1, 1)).await);
    assert_eq!(next_time(&fixture).await, None);
}

async fn a_job_that_nobody_claimed_is_nobodys_to_change(fixture: Fixture) {
    enqueue(&fixture, [job(1)]).await;
    for lease in [0, 1] {
        assert!(!finish(&fixture, claim_of(1, lease)).await);
        assert!(!reschedule(&fixture, claim_of(1, lease), at(900)).await);
        assert!(!retry_later(&fixture, claim_of(1, lease), at(900)).await);
        assert!(!bury(&fixture, claim_of(1, lease), at(2)).await);
    }
    assert_eq!(claim(&fixture, at(1), at(60), 1).await, [Job { attempts: 1, run_time: at(60), ..job(1) }]);
}
