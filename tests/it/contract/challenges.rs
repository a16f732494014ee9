use std::sync::Arc;

use ipse::application::ports::{Store, StoreError};
use ipse::domain::Timestamp;
use ipse::domain::session::authentication::{Proof, ProofKind};
use ipse::domain::session::challenge::{Challenge, ChallengePurpose};
use ipse::domain::session::client::ClientLabel;

use super::samples::{HOSTILE, TICK, at, challenge, digest, session, user};
use super::{Fixture, in_parallel};
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    a_challenge_comes_back_with_nothing_missing
    every_purpose_and_proof_comes_back
    a_challenge_is_found_until_it_expires
    a_value_without_meaning_is_corrupt
    what_is_asked_takes_the_place_of_what_was_asked_before
    what_was_asked_is_taken_once
    of_parallel_takers_of_what_was_asked_exactly_one_gets_it
    parallel_failures_are_all_counted
    a_failure_of_nothing_leaves_no_trace
    of_parallel_answers_exactly_one_erases_the_challenge
    an_erasure_that_is_rolled_back_gives_the_challenge_back
    all_challenges_of_a_person_are_erased_and_no_others
    challenges_go_with_the_person
    expired_challenges_are_purged_in_batches
}

/// The challenge of this number for this person.
fn challenge_of(owner: u32, number: u32) -> Challenge {
    Challenge { user_id: Some(user(owner).id), purpose: ChallengePurpose::SecondFactor, ..challenge(number) }
}

async fn find(fixture: &Fixture, number: u32, now: Timestamp) -> Option<Challenge> {
    fixture.read().await.challenges().find_challenge(&digest(number), now).await.unwrap()
}

async fn take(store: &Arc<dyn Store>, number: u32, asked: [u8; 32]) -> bool {
    let tx = store.write().await.unwrap();
    let taken = tx.challenges().take_webauthn_challenge(&digest(number), &asked).await.unwrap();
    tx.commit().await.unwrap();
    taken
}

async fn ask(fixture: &Fixture, number: u32, asked: [u8; 32]) -> bool {
    let tx = fixture.write().await;
    let put = tx.challenges().put_webauthn_challenge(&digest(number), &asked).await.unwrap();
    tx.commit().await.unwrap();
    put
}

async fn fail(store: &Arc<dyn Store>, number: u32) -> i32 {
    let tx = store.write().await.unwrap();
    let failures = tx.challenges().count_challenge_failure(&digest(number)).await.unwrap();
    tx.commit().await.unwrap();
    failures
}

async fn a_challenge_comes_back_with_nothing_missing(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    let complete = Challenge {
        purpose: ChallengePurpose::StepUp,
        session_id: Some(session(&user(1), 1).id),
        proofs: vec![
            Proof { kind: ProofKind::Password, time: at(-1) + TICK },
            Proof { kind: ProofKind::Totp, time: at(-9) },
        ],
        audience: Some(HOSTILE.to_owned()),
        label: ClientLabel::parse(HOSTILE).unwrap(),
        failures_before: 7,
        webauthn_challenge: Some([0xff; 32]),
        failures: 3,
        ..challenge_of(1, 2)
    };
    for stored in [challenge(1), complete] {
        fixture.put_challenges(std::slice::from_ref(&stored)).await;
        let found = fixture.read().await.challenges().find_challenge(&stored.digest, stored.create_time).await.unwrap();
        assert_eq!(found, Some(stored));
    }
    assert_eq!(find(&fixture, 3, at(0)).await, None);
}

async fn every_purpose_and_proof_comes_back(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    let proofs: Vec<Proof> = ProofKind::ALL.iter().map(|&kind| Proof { kind, time: at(1) }).collect();
    for (number, &purpose) in (1..).zip(ChallengePurpose::ALL) {
        let stored = Challenge { purpose, proofs: proofs.clone(), ..challenge_of(1, number) };
        fixture.put_challenges(std::slice::from_ref(&stored)).await;
        assert_eq!(find(&fixture, number, at(0)).await, Some(stored));
    }
}

async fn a_challenge_is_found_until_it_expires(fixture: Fixture) {
    fixture.put_challenges(&[challenge(0)]).await;
    assert_eq!(find(&fixture, 0, at(300) - TICK).await, Some(challenge(0)));
    assert_eq!(find(&fixture, 0, at(300)).await, None);
}

async fn a_value_without_meaning_is_corrupt(fixture: Fixture) {
    fixture.put_challenges(&[challenge(1)]).await;
    for (column, value) in [("purpose", "nonsense"), ("proofs", "password"), ("proofs", "nonsense=1")] {
        fixture.execute("UPDATE challenges SET purpose = 'step_up', proofs = ''").await;
        fixture.execute(&format!("UPDATE challenges SET {column} = '{value}'")).await;
        let found = fixture.read().await.challenges().find_challenge(&digest(1), at(1)).await;
        assert!(matches!(found, Err(StoreError::Corrupt(_))), "{found:?}");
    }
}

async fn what_is_asked_takes_the_place_of_what_was_asked_before(fixture: Fixture) {
    fixture.put_challenges(&[challenge(1), challenge(2)]).await;
    assert!(ask(&fixture, 1, [1; 32]).await);
    assert!(ask(&fixture, 1, [2; 32]).await);
    assert!(!ask(&fixture, 3, [3; 32]).await);
    assert_eq!(find(&fixture, 1, at(1)).await.unwrap().webauthn_challenge, Some([2; 32]));
    assert_eq!(find(&fixture, 2, at(2)).await, Some(challenge(2)));
    assert!(!take(&fixture.store, 1, [1; 32]).await);
    assert!(take(&fixture.store, 1, [2; 32]).await);
}

async fn what_was_asked_is_taken_once(fixture: Fixture) {
    fixture.put_challenges(&[challenge(1), challenge(2)]).await;
    assert!(!take(&fixture.store, 1, [1; 32]).await, "nothing was asked yet");
    assert!(ask(&fixture, 1, [1; 32]).await);
    assert!(!take(&fixture.store, 2, [1; 32]).await);
    assert!(take(&fixture.store, 1, [1; 32]).await);
    assert!(!take(&fixture.store, 1, [1; 32]).await);
    assert_eq!(find(&fixture, 1, at(1)).await, Some(challenge(1)));
}

async fn of_parallel_takers_of_what_was_asked_exactly_one_gets_it(fixture: Fixture) {
    fixture.put_challenges(&[Challenge { webauthn_challenge: Some([1; 32]), ..challenge(1) }]).await;
    let taken = in_parallel(&fixture.store, 20, |store, _| async move { take(&store, 1, [1; 32]).await });
    assert_eq!(taken.await.into_iter().filter(|taken| *taken).count(), 1);
}

async fn parallel_failures_are_all_counted(fixture: Fixture) {
    fixture.put_challenges(&[challenge(1), challenge(2)]).await;
    let mut counts = in_parallel(&fixture.store, 20, |store, _| async move { fail(&store, 1).await }).await;
    counts.sort_unstable();
    assert_eq!(counts, (1..=20).collect::<Vec<i32>>());
    assert_eq!(find(&fixture, 1, at(1)).await, Some(Challenge { failures: 20, ..challenge(1) }));
    assert_eq!(find(&fixture, 2, at(2)).await, Some(challenge(2)));
}

async fn a_failure_of_nothing_leaves_no_trace(fixture: Fixture) {
    assert_eq!(fail(&fixture.store, 1).await, 0);
    assert_eq!(fixture.count("challenges").await, 0);
}

async fn of_parallel_answers_exactly_one_erases_the_challenge(fixture: Fixture) {
    fixture.put_challenges(&[challenge(1), challenge(2)]).await;
    let erased = in_parallel(&fixture.store, 20, |store, _| async move {
        let tx = store.write().await.unwrap();
        let erased = tx.challenges().delete_challenge(&digest(1)).await.unwrap();
        tx.commit().await.unwrap();
        erased
    });
    assert_eq!(erased.await.into_iter().filter(|erased| *erased).count(), 1);
    assert_eq!((find(&fixture, 1, at(1)).await, find(&fixture, 2, at(2)).await), (None, Some(challenge(2))));
}

async fn an_erasure_that_is_rolled_back_gives_the_challenge_back(fixture: Fixture) {
    fixture.put_challenges(&[challenge(1)]).await;
    let tx = fixture.write().await;
    assert!(tx.challenges().delete_challenge(&digest(1)).await.unwrap());
    drop(tx);
    assert_eq!(find(&fixture, 1, at(1)).await, Some(challenge(1)));
}

async fn all_challenges_of_a_person_are_erased_and_no_others(fixture: Fixture) {
    fixture.put_users(&[user(1), user(2)]).await;
    fixture.put_challenges(&[challenge_of(1, 1), challenge_of(1, 2), challenge_of(2, 3), challenge(4)]).await;
    let tx = fixture.write().await;
    for _ in 0..2 {
        tx.challenges().delete_challenges(user(1).id).await.unwrap();
    }
    tx.commit().await.unwrap();
    for (number, is_left) in [(1, false), (2, false), (3, true), (4, true)] {
        assert_eq!(find(&fixture, number, at(4)).await.is_some(), is_left, "{number}");
    }
}

async fn challenges_go_with_the_person(fixture: Fixture) {
    fixture.put_users(&[user(1), user(2)]).await;
    fixture.put_challenges(&[challenge_of(1, 1), challenge_of(2, 2), challenge(3)]).await;
    let tx = fixture.write().await;
    tx.users().erase_user(user(1).id, at(9)).await.unwrap();
    tx.commit().await.unwrap();
    for (number, is_left) in [(1, false), (2, true), (3, true)] {
        assert_eq!(find(&fixture, number, at(4)).await.is_some(), is_left, "{number}");
    }
}

async fn expired_challenges_are_purged_in_batches(fixture: Fixture) {
    fixture.put_challenges(&(0..6).map(challenge).collect::<Vec<_>>()).await;
    for expected in [3, 2, 0] {
        let tx = fixture.write().await;
        assert_eq!(tx.challenges().purge_challenges(at(305), 3).await.unwrap(), expected);
        tx.commit().await.unwrap();
    }
    assert_eq!(find(&fixture, 5, at(5)).await, Some(challenge(5)));
    assert_eq!(fixture.count("challenges").await, 1);
}
