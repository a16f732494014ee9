//! Second factors that are being enrolled.

use ipse::application::ports::StoreError;
use ipse::domain::Timestamp;
use ipse::domain::credential::factor::{Enrolment, EnrolmentMethod, FactorName};
use ipse::domain::id::FactorId;

use super::samples::{TICK, at, enrolment, factor_id, session, user};
use super::{Fixture, in_parallel};
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    an_enrolment_comes_back_with_nothing_missing
    a_new_enrolment_takes_the_place_of_one_of_its_kind
    of_parallel_enrolments_of_one_kind_one_remains
    enrolments_are_listed_until_they_expire
    parallel_failures_are_all_counted
    a_failure_of_nothing_leaves_no_trace
    an_enrolment_is_erased_once_and_by_its_owner_alone
    enrolments_go_with_the_person
    expired_enrolments_are_purged_in_batches
    a_value_without_meaning_is_corrupt
}

fn of_passkey(plain: Enrolment) -> Enrolment {
    Enrolment { method: EnrolmentMethod::Passkey { challenge: [0xff; 32], user_handle: vec![0, 7] }, ..plain }
}

async fn put(fixture: &Fixture, enrolments: &[Enrolment]) {
    let tx = fixture.write().await;
    for enrolment in enrolments {
        tx.factors().put_enrolment(enrolment).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn list(fixture: &Fixture, owner: u32, now: Timestamp) -> Vec<Enrolment> {
    fixture.read().await.factors().list_enrolments(user(owner).id, now).await.unwrap()
}

async fn erase(fixture: &Fixture, owner: u32, id: FactorId) -> bool {
    let tx = fixture.write().await;
    let erased = tx.factors().delete_enrolment(user(owner).id, id).await.unwrap();
    tx.commit().await.unwrap();
    erased
}

async fn an_enrolment_comes_back_with_nothing_missing(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    let name = FactorName::parse("Renée's 'phone'; --").unwrap();
    let complete = Enrolment { display_name: name, failures: 3, ..of_passkey(enrolment(&user(1), 2)) };
    put(&fixture, &[complete.clone(), enrolment(&user(1), 1)]).await;
    assert_eq!(list(&fixture, 1, at(2)).await, [enrolment(&user(1), 1), complete]);
    assert_eq!(list(&fixture, 2, at(2)).await, []);
}

async fn a_new_enrolment_takes_the_place_of_one_of_its_kind(fixture: Fixture) {
    fixture.put_users(&[user(1), user(2)]).await;
    let others = [of_passkey(enrolment(&user(1), 2)), enrolment(&user(2), 3)];
    put(&fixture, &[Enrolment { failures: 4, ..enrolment(&user(1), 1) }]).await;
    put(&fixture, &others).await;
    let new = Enrolment {
        session_id: session(&user(1), 9).id,
        method: EnrolmentMethod::Totp { sealed_secret: vec![9] },
        ..enrolment(&user(1), 4)
    };
    put(&fixture, std::slice::from_ref(&new)).await;
    assert_eq!(list(&fixture, 1, at(4)).await, [others[0].clone(), new]);
    assert_eq!(list(&fixture, 2, at(4)).await, [others[1].clone()]);
    assert!(!erase(&fixture, 1, factor_id(1)).await);
    assert!(erase(&fixture, 1, factor_id(4)).await);
}

async fn of_parallel_enrolments_of_one_kind_one_remains(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    in_parallel(&fixture.store, 20, |store, number| async move {
        let tx = store.write().await.unwrap();
        tx.factors().put_enrolment(&enrolment(&user(1), number)).await.unwrap();
        tx.commit().await.unwrap();
    })
    .await;
    assert_eq!(list(&fixture, 1, at(20)).await.len(), 1);
}

async fn enrolments_are_listed_until_they_expire(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    put(&fixture, &[enrolment(&user(1), 0)]).await;
    assert_eq!(list(&fixture, 1, at(600) - TICK).await.len(), 1);
    assert_eq!(list(&fixture, 1, at(600)).await, []);
}

async fn parallel_failures_are_all_counted(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    let others = of_passkey(enrolment(&user(1), 2));
    put(&fixture, &[enrolment(&user(1), 1), others.clone()]).await;
    let counts = in_parallel(&fixture.store, 20, |store, _| async move {
        let tx = store.write().await.unwrap();
        let failures = tx.factors().count_enrolment_failure(factor_id(1)).await.unwrap();
        tx.commit().await.unwrap();
        failures
    });
    let mut counts = counts.await;
    counts.sort_unstable();
    assert_eq!(counts, (1..=20).collect::<Vec<i32>>());
    assert_eq!(list(&fixture, 1, at(2)).await, [Enrolment { failures: 20, ..enrolment(&user(1), 1) }, others]);
}

async fn a_failure_of_nothing_leaves_no_trace(fixture: Fixture) {
    let tx = fixture.write().await;
    assert_eq!(tx.factors().count_enrolment_failure(factor_id(1)).await.unwrap(), 0);
    tx.commit().await.unwrap();
    assert_eq!(fixture.count("factor_enrolments").await, 0);
}

async fn an_enrolment_is_erased_once_and_by_its_owner_alone(fixture: Fixture) {
    fixture.put_users(&[user(1), user(2)]).await;
    put(&fixture, &[enrolment(&user(1), 1), enrolment(&user(2), 2)]).await;
    assert!(!erase(&fixture, 2, factor_id(1)).await);
    let erased = in_parallel(&fixture.store, 20, |store, _| async move {
        let tx = store.write().await.unwrap();
        let erased = tx.factors().delete_enrolment(user(1).id, factor_id(1)).await.unwrap();
        tx.commit().await.unwrap();
        erased
    });
    assert_eq!(erased.await.into_iter().filter(|erased| *erased).count(), 1);
    assert_eq!((list(&fixture, 1, at(2)).await.len(), list(&fixture, 2, at(2)).await.len()), (0, 1));
}

async fn enrolments_go_with_the_person(fixture: Fixture) {
    fixture.put_users(&[user(1), user(2)]).await;
    put(&fixture, &[enrolment(&user(1), 1), enrolment(&user(2), 2)]).await;
    let tx = fixture.write().await;
    tx.users().erase_user(user(1).id, at(9)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(fixture.count("factor_enrolments").await, 1);
    assert_eq!(list(&fixture, 2, at(2)).await, [enrolment(&user(2), 2)]);
}

async fn expired_enrolments_are_purged_in_batches(fixture: Fixture) {
    let people: Vec<_> = (0..6).map(user).collect();
    fixture.put_users(&people).await;
    put(&fixture, &(0..6).map(|number| enrolment(&user(number), number)).collect::<Vec<_>>()).await;
    for expected in [3, 2, 0] {
        let tx = fixture.write().await;
        assert_eq!(tx.factors().purge_enrolments(at(605), 3).await.unwrap(), expected);
        tx.commit().await.unwrap();
    }
    assert_eq!(fixture.count("factor_enrolments").await, 1);
    assert_eq!(list(&fixture, 5, at(5)).await, [enrolment(&user(5), 5)]);
}

async fn a_value_without_meaning_is_corrupt(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    for nonsense in ["kind = 'nonsense'", "kind = 'recovery_codes'", "kind = 'passkey'", "sealed_secret = NULL"] {
        put(&fixture, &[enrolment(&user(1), 1)]).await;
        fixture.execute(&format!("UPDATE factor_enrolments SET {nonsense}")).await;
        let listed = fixture.read().await.factors().list_enrolments(user(1).id, at(1)).await;
        assert!(matches!(listed, Err(StoreError::Corrupt(_))), "{nonsense}: {listed:?}");
        fixture.execute("DELETE FROM factor_enrolments").await;
    }
}
