//! How factors are used: each code, step and assertion once, and by none that is disabled.

use std::sync::Arc;

use ipse::application::ports::{PasskeyUse, Store};
use ipse::domain::Timestamp;
use ipse::domain::credential::factor::{Factor, FactorMethod, HARD_LIMIT};
use ipse::domain::credential::password::PasswordHash;

use super::samples::{TICK, at, factor_id, hash, passkey, recovery_codes, totp, user};
use super::{Fixture, in_parallel};
use crate::support::database::Backend;
use crate::support::on_both_backends;

on_both_backends! {
    with_factors =>
    a_step_is_taken_once_and_forgets_failures
    a_step_before_one_that_was_taken_is_refused
    of_parallel_uses_of_one_step_exactly_one_is_taken
    of_parallel_uses_of_many_steps_the_latest_is_stored
    an_assertion_is_taken_once_and_forgets_failures
    an_authenticator_that_does_not_count_is_taken_again
    of_parallel_uses_of_one_counter_exactly_one_is_taken
    a_recovery_code_is_taken_once_and_forgets_failures
    of_parallel_uses_of_one_recovery_code_exactly_one_is_taken
    parallel_uses_of_different_recovery_codes_are_all_taken
    a_recovery_code_that_is_taken_while_its_factor_is_erased_is_in_nobodys_way
    new_recovery_codes_take_the_place_of_all_others
    of_parallel_sets_of_recovery_codes_one_is_left
    a_factor_is_taken_for_what_it_is
    a_disabled_factor_takes_nothing
    a_factor_that_is_disabled_meanwhile_takes_nothing
    a_use_that_is_rolled_back_did_not_happen
    parallel_failures_are_all_counted_and_those_of_nothing_are_not
}

const TOTP: u32 = 1;
const PASSKEY: u32 = 2;
const CODES: u32 = 3;
const OTHER_CODES: u32 = 4;

/// A store with a factor of each kind, and recovery codes of somebody else. The passkey counts from 2.
async fn with_factors(backend: Backend) -> Fixture {
    let fixture = Fixture::new(backend).await;
    fixture.put_users(&[user(1), user(2)]).await;
    let failed = |factor| Factor { failures: 7, ..factor };
    fixture
        .put_factors(&[
            failed(totp(&user(1), TOTP)),
            failed(passkey(&user(1), PASSKEY)),
            failed(recovery_codes(&user(1), CODES)),
            failed(recovery_codes(&user(2), OTHER_CODES)),
        ])
        .await;
    let hashes: Vec<PasswordHash> = (0..20).map(hash).collect();
    let tx = fixture.write().await;
    tx.factors().put_recovery_codes(factor_id(CODES), &hashes).await.unwrap();
    tx.factors().put_recovery_codes(factor_id(OTHER_CODES), &hashes).await.unwrap();
    tx.commit().await.unwrap();
    fixture
}

async fn find(fixture: &Fixture, number: u32) -> Factor {
    let owners = [user(1).id, user(2).id];
    let factors = fixture.read().await.factors().list_factors_of(&owners).await.unwrap();
    factors.into_iter().find(|factor| factor.id == factor_id(number)).unwrap()
}

/// How many attempts failed, and when it was last used.
async fn state(fixture: &Fixture, number: u32) -> (i32, Option<Timestamp>) {
    let factor = find(fixture, number).await;
    (factor.failures, factor.last_used_time)
}

async fn remaining(fixture: &Fixture, number: u32) -> u32 {
    match find(fixture, number).await.method {
        FactorMethod::RecoveryCodes { remaining } => remaining,
        other => panic!("{other:?}"),
    }
}

async fn take_step(store: &Arc<dyn Store>, number: u32, step: i64) -> bool {
    let tx = store.write().await.unwrap();
    let taken = tx.factors().take_totp_step(factor_id(number), step, at(60) + TICK).await.unwrap();
    tx.commit().await.unwrap();
    taken
}

async fn take_assertion(store: &Arc<dyn Store>, number: u32, (expected_count, new_count): (u32, u32)) -> bool {
    let assertion = PasskeyUse { expected_count, new_count, backed_up: true };
    let tx = store.write().await.unwrap();
    let taken = tx.factors().take_assertion(factor_id(number), assertion, at(60) + TICK).await.unwrap();
    tx.commit().await.unwrap();
    taken
}

async fn take_code(store: &Arc<dyn Store>, number: u32, code: u32) -> bool {
    let tx = store.write().await.unwrap();
    let taken = tx.factors().take_recovery_code(factor_id(number), &hash(code), at(60) + TICK).await.unwrap();
    tx.commit().await.unwrap();
    taken
}

async fn fail(store: &Arc<dyn Store>, number: u32) -> i32 {
    let tx = store.write().await.unwrap();
    let failures = tx.factors().count_factor_failure(factor_id(number)).await.unwrap();
    tx.commit().await.unwrap();
    failures
}

fn successes(taken: Vec<bool>) -> usize {
    taken.into_iter().filter(|taken| *taken).count()
}

async fn a_step_is_taken_once_and_forgets_failures(fixture: Fixture) {
    assert!(take_step(&fixture.store, TOTP, 5).await);
    let sealed_secret = vec![0, 0xff];
    let method = FactorMethod::Totp { sealed_secret, last_step: Some(5) };
    let expected = Factor { method, last_used_time: Some(at(60) + TICK), ..totp(&user(1), TOTP) };
    assert_eq!(find(&fixture, TOTP).await, expected);
    assert_eq!(fail(&fixture.store, TOTP).await, 1);
    assert!(!take_step(&fixture.store, TOTP, 5).await);
    assert_eq!(find(&fixture, TOTP).await, Factor { failures: 1, ..expected });
    assert!(take_step(&fixture.store, TOTP, 6).await);
}

async fn a_step_before_one_that_was_taken_is_refused(fixture: Fixture) {
    assert!(take_step(&fixture.store, TOTP, 5).await);
    for step in [4, 0, -1, i64::MIN] {
        assert!(!take_step(&fixture.store, TOTP, step).await, "{step}");
    }
}

async fn of_parallel_uses_of_one_step_exactly_one_is_taken(fixture: Fixture) {
    for step in [5, 6] {
        let taken = in_parallel(&fixture.store, 20, |store, _| async move { take_step(&store, TOTP, step).await });
        assert_eq!(successes(taken.await), 1);
    }
}

async fn of_parallel_uses_of_many_steps_the_latest_is_stored(fixture: Fixture) {
    let taken =
        in_parallel(&fixture.store, 20, |store, step| async move { take_step(&store, TOTP, step.into()).await });
    assert!(taken.await[19]);
    assert!(!take_step(&fixture.store, TOTP, 19).await);
    assert!(take_step(&fixture.store, TOTP, 20).await);
}

async fn an_assertion_is_taken_once_and_forgets_failures(fixture: Fixture) {
    assert!(!take_assertion(&fixture.store, PASSKEY, (1, 3)).await);
    assert_eq!(state(&fixture, PASSKEY).await, (7, None));
    assert!(take_assertion(&fixture.store, PASSKEY, (2, u32::MAX)).await);
    assert!(!take_assertion(&fixture.store, PASSKEY, (2, u32::MAX)).await);
    let found = find(&fixture, PASSKEY).await;
    let stored = found.passkey().unwrap();
    assert_eq!((stored.sign_count, stored.backed_up, found.failures), (u32::MAX, true, 0));
    assert_eq!((found.last_used_time, found.revision), (Some(at(60) + TICK), 1));
}

async fn an_authenticator_that_does_not_count_is_taken_again(fixture: Fixture) {
    for _ in 0..2 {
        assert!(take_assertion(&fixture.store, PASSKEY, (2, 2)).await);
    }
}

async fn of_parallel_uses_of_one_counter_exactly_one_is_taken(fixture: Fixture) {
    let taken =
        in_parallel(&fixture.store, 20, |store, _| async move { take_assertion(&store, PASSKEY, (2, 3)).await });
    assert_eq!(successes(taken.await), 1);
}

async fn a_recovery_code_is_taken_once_and_forgets_failures(fixture: Fixture) {
    assert!(!take_code(&fixture.store, CODES, 20).await);
    assert_eq!(state(&fixture, CODES).await, (7, None));
    assert!(take_code(&fixture.store, CODES, 3).await);
    assert_eq!(state(&fixture, CODES).await, (0, Some(at(60) + TICK)));
    assert_eq!(fail(&fixture.store, CODES).await, 1);
    assert!(!take_code(&fixture.store, CODES, 3).await);
    assert_eq!(state(&fixture, CODES).await, (1, Some(at(60) + TICK)));
    assert_eq!((remaining(&fixture, CODES).await, remaining(&fixture, OTHER_CODES).await), (19, 20));
    assert_eq!(state(&fixture, OTHER_CODES).await, (7, None));
}

async fn of_parallel_uses_of_one_recovery_code_exactly_one_is_taken(fixture: Fixture) {
    let taken = in_parallel(&fixture.store, 20, |store, _| async move { take_code(&store, CODES, 3).await });
    assert_eq!(successes(taken.await), 1);
    assert_eq!(remaining(&fixture, CODES).await, 19);
}

async fn parallel_uses_of_different_recovery_codes_are_all_taken(fixture: Fixture) {
    let taken = in_parallel(&fixture.store, 20, |store, code| async move { take_code(&store, CODES, code).await });
    assert_eq!(successes(taken.await), 20);
    assert_eq!(remaining(&fixture, CODES).await, 0);
    assert!(fixture.read().await.factors().any_recovery_code(factor_id(CODES)).await.unwrap().is_none());
}

async fn a_recovery_code_that_is_taken_while_its_factor_is_erased_is_in_nobodys_way(fixture: Fixture) {
    in_parallel(&fixture.store, 20, |store, number| async move {
        if number % 2 == 0 {
            take_code(&store, CODES, number).await;
        } else {
            let tx = store.write().await.unwrap();
            tx.factors().delete_factor(user(1).id, factor_id(CODES)).await.unwrap();
            tx.commit().await.unwrap();
        }
    })
    .await;
    assert_eq!(fixture.count("recovery_codes").await, 20, "those of somebody else");
    assert!(!take_code(&fixture.store, CODES, 0).await);
}

async fn new_recovery_codes_take_the_place_of_all_others(fixture: Fixture) {
    let tx = fixture.write().await;
    let hashes = [100, 101, 101].map(hash);
    tx.factors().put_recovery_codes(factor_id(CODES), &hashes).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((remaining(&fixture, CODES).await, remaining(&fixture, OTHER_CODES).await), (2, 20));
    let found = fixture.read().await.factors().any_recovery_code(factor_id(CODES)).await.unwrap().unwrap();
    assert!(hashes.contains(&found));
    assert!(!take_code(&fixture.store, CODES, 3).await);
    assert!(take_code(&fixture.store, CODES, 101).await);
    let tx = fixture.write().await;
    tx.factors().put_recovery_codes(factor_id(CODES), &[]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(remaining(&fixture, CODES).await, 0);
}

async fn of_parallel_sets_of_recovery_codes_one_is_left(fixture: Fixture) {
    in_parallel(&fixture.store, 20, |store, number| async move {
        let hashes: Vec<PasswordHash> = (0..3).map(|code| hash(number * 3 + code)).collect();
        let tx = store.write().await.unwrap();
        tx.factors().put_recovery_codes(factor_id(CODES), &hashes).await.unwrap();
        tx.commit().await.unwrap();
    })
    .await;
    assert_eq!(remaining(&fixture, CODES).await, 3);
}

async fn a_factor_is_taken_for_what_it_is(fixture: Fixture) {
    for number in [PASSKEY, CODES, 9] {
        assert!(!take_step(&fixture.store, number, 5).await, "{number}");
    }
    for number in [TOTP, CODES, 9] {
        assert!(!take_assertion(&fixture.store, number, (2, 3)).await, "{number}");
    }
    for number in [TOTP, PASSKEY, 9] {
        assert!(!take_code(&fixture.store, number, 3).await, "{number}");
    }
}

async fn a_disabled_factor_takes_nothing(fixture: Fixture) {
    for (failures, takes) in [(HARD_LIMIT, false), (HARD_LIMIT + 1, false), (HARD_LIMIT - 1, true)] {
        fixture.execute(&format!("UPDATE factors SET failures = {failures}")).await;
        assert_eq!(take_step(&fixture.store, TOTP, 5).await, takes);
        assert_eq!(take_assertion(&fixture.store, PASSKEY, (2, 3)).await, takes);
        assert_eq!(take_code(&fixture.store, CODES, 3).await, takes);
        let expected = if takes { (0, Some(at(60) + TICK)) } else { (failures, None) };
        for number in [TOTP, PASSKEY, CODES] {
            assert_eq!(state(&fixture, number).await, expected, "{number}");
        }
        assert_eq!(remaining(&fixture, CODES).await, if takes { 19 } else { 20 });
    }
}

/// The last failure is counted before the use, and committed after it began.
async fn a_factor_that_is_disabled_meanwhile_takes_nothing(fixture: Fixture) {
    fixture.execute(&format!("UPDATE factors SET failures = {}", HARD_LIMIT - 1)).await;
    let failing = fixture.write().await;
    for number in [TOTP, PASSKEY, CODES] {
        assert_eq!(failing.factors().count_factor_failure(factor_id(number)).await.unwrap(), HARD_LIMIT);
    }
    let store = &fixture.store;
    let uses = async {
        tokio::join!(take_step(store, TOTP, 5), take_assertion(store, PASSKEY, (2, 3)), take_code(store, CODES, 3))
    };
    let committing = async {
        fixture.until_somebody_waits().await;
        failing.commit().await.unwrap();
    };
    assert_eq!(tokio::join!(uses, committing).0, (false, false, false));
    assert_eq!(remaining(&fixture, CODES).await, 20);
}

async fn a_use_that_is_rolled_back_did_not_happen(fixture: Fixture) {
    let tx = fixture.write().await;
    assert!(tx.factors().take_totp_step(factor_id(TOTP), 5, at(9)).await.unwrap());
    assert!(tx.factors().take_recovery_code(factor_id(CODES), &hash(3), at(9)).await.unwrap());
    drop(tx);
    assert!(take_step(&fixture.store, TOTP, 5).await);
    assert!(take_code(&fixture.store, CODES, 3).await);
}

async fn parallel_failures_are_all_counted_and_those_of_nothing_are_not(fixture: Fixture) {
    let mut counts = in_parallel(&fixture.store, 20, |store, _| async move { fail(&store, TOTP).await }).await;
    counts.sort_unstable();
    assert_eq!(counts, (8..=27).collect::<Vec<i32>>());
    assert_eq!(find(&fixture, TOTP).await, Factor { failures: 27, ..totp(&user(1), TOTP) });
    assert_eq!(fail(&fixture.store, 9).await, 0);
    assert_eq!(state(&fixture, PASSKEY).await, (7, None));
}
