use ipse::application::ports::{AnsweredRequest, RequestKey};
use ipse::domain::Timestamp;
use ipse::domain::id::RequestId;
use ipse::domain::secret::Digest;
use uuid::Uuid;

use super::samples::{at, digest, user};
use super::{Fixture, in_parallel};
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    an_answer_comes_back_to_its_key_alone
    a_claim_without_an_answer_has_none
    a_claim_that_is_rolled_back_leaves_nothing
    an_old_call_is_forgotten_and_claimed_anew
    of_parallel_claims_one_succeeds_and_the_others_see_its_answer
    old_answers_are_purged_in_batches
}

fn key(caller: u32, id: u32) -> RequestKey {
    let request_id = RequestId::from_uuid(Uuid::from_u128(id.into()));
    RequestKey { caller_id: *user(caller).id.as_uuid(), request_id }
}

async fn answer(fixture: &Fixture, key: RequestKey, digest: Digest, now: Timestamp) -> bool {
    let tx = fixture.write().await;
    let claimed = tx.answered_requests().claim_request(key, &digest, now, at(0)).await.unwrap();
    if claimed {
        tx.answered_requests().put_answer(key, digest.as_bytes()).await.unwrap();
    }
    tx.commit().await.unwrap();
    claimed
}

async fn find(fixture: &Fixture, key: RequestKey) -> Option<AnsweredRequest> {
    fixture.read().await.answered_requests().find_answer(key, at(0)).await.unwrap()
}

fn answered(digest: Digest) -> AnsweredRequest {
    AnsweredRequest { digest, sealed: digest.as_bytes().to_vec() }
}

async fn an_answer_comes_back_to_its_key_alone(fixture: Fixture) {
    assert!(answer(&fixture, key(1, 1), digest(1), at(0)).await);
    assert!(answer(&fixture, key(2, 1), digest(2), at(0)).await, "another caller's id is another one");
    assert!(!answer(&fixture, key(1, 1), digest(3), at(1)).await);
    assert_eq!(find(&fixture, key(1, 1)).await, Some(answered(digest(1))));
    assert_eq!(find(&fixture, key(2, 1)).await, Some(answered(digest(2))));
    assert_eq!(find(&fixture, key(1, 2)).await, None);
    let forgotten = fixture.read().await.answered_requests().find_answer(key(1, 1), at(1)).await.unwrap();
    assert_eq!(forgotten, None);
}

async fn a_claim_without_an_answer_has_none(fixture: Fixture) {
    let tx = fixture.write().await;
    assert!(tx.answered_requests().claim_request(key(1, 1), &digest(1), at(0), at(0)).await.unwrap());
    assert_eq!(tx.answered_requests().find_answer(key(1, 1), at(0)).await.unwrap(), None);
}

async fn a_claim_that_is_rolled_back_leaves_nothing(fixture: Fixture) {
    let tx = fixture.write().await;
    assert!(tx.answered_requests().claim_request(key(1, 1), &digest(1), at(0), at(0)).await.unwrap());
    drop(tx);
    assert!(answer(&fixture, key(1, 1), digest(2), at(0)).await);
}

async fn an_old_call_is_forgotten_and_claimed_anew(fixture: Fixture) {
    assert!(answer(&fixture, key(1, 1), digest(1), at(-1)).await);
    let tx = fixture.write().await;
    assert!(!tx.answered_requests().claim_request(key(1, 1), &digest(2), at(1), at(-1)).await.unwrap());
    assert!(tx.answered_requests().claim_request(key(1, 1), &digest(2), at(1), at(0)).await.unwrap());
    assert_eq!(tx.answered_requests().find_answer(key(1, 1), at(0)).await.unwrap(), None, "the old answer is gone");
}

async fn of_parallel_claims_one_succeeds_and_the_others_see_its_answer(fixture: Fixture) {
    let outcomes = in_parallel(&fixture.store, 8, |store, number| async move {
        let tx = store.write().await.unwrap();
        let claimed = tx.answered_requests().claim_request(key(1, 1), &digest(number), at(0), at(0)).await.unwrap();
        if claimed {
            tx.answered_requests().put_answer(key(1, 1), b"the answer").await.unwrap();
            tx.commit().await.unwrap();
            return (true, None);
        }
        (false, tx.answered_requests().find_answer(key(1, 1), at(0)).await.unwrap())
    });
    let (first, repeated): (Vec<_>, Vec<_>) = outcomes.await.into_iter().partition(|(claimed, _)| *claimed);
    assert_eq!(first.len(), 1);
    assert!(repeated.iter().all(|(_, seen)| seen.as_ref().is_some_and(|seen| seen.sealed == b"the answer")));
}

async fn old_answers_are_purged_in_batches(fixture: Fixture) {
    for number in 0..5_u32 {
        assert!(answer(&fixture, key(1, number), digest(number), at(number.into())).await);
    }
    for expected in [2, 1, 0] {
        let tx = fixture.write().await;
        assert_eq!(tx.answered_requests().purge_answers(at(3), 2).await.unwrap(), expected);
        tx.commit().await.unwrap();
    }
    assert_eq!(find(&fixture, key(1, 2)).await, None);
    let forgotten = fixture.read().await.answered_requests().find_answer(key(1, 1), at(1)).await.unwrap();
    assert_eq!(forgotten, None);
    assert_eq!(find(&fixture, key(1, 3)).await, Some(answered(digest(3))));
}
