use ipse::application::ports::PasswordCredential;
use ipse::domain::credential::password::PasswordHash;

use super::samples::{HOSTILE, at, hash, user};
use super::{Fixture, in_parallel};
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    a_person_without_a_password_has_none
    a_password_comes_back
    a_new_password_replaces_the_old_one_and_forgets_its_failures
    parallel_failures_are_all_counted
    a_failure_of_nobody_leaves_no_trace
    failures_are_forgotten_for_one_person_alone
    an_upgrade_replaces_the_hash_it_was_made_from
    an_upgrade_of_a_replaced_password_changes_nothing
    an_upgrade_of_no_password_makes_none
    of_parallel_upgrades_of_one_hash_exactly_one_succeeds
}

async fn find(fixture: &Fixture, number: u32) -> Option<PasswordCredential> {
    fixture.read().await.credentials().find_password(user(number).id).await.unwrap()
}

async fn put(fixture: &Fixture, number: u32, hash: &PasswordHash) {
    let tx = fixture.write().await;
    tx.credentials().put_password(user(number).id, hash, at(0)).await.unwrap();
    tx.commit().await.unwrap();
}

async fn fail(fixture: &Fixture, number: u32) {
    let tx = fixture.write().await;
    tx.credentials().count_failure(user(number).id).await.unwrap();
    tx.commit().await.unwrap();
}

async fn upgrade(fixture: &Fixture, number: u32, old: &PasswordHash, new: &PasswordHash) -> bool {
    let tx = fixture.write().await;
    let upgraded = tx.credentials().upgrade_hash(user(number).id, old, new).await.unwrap();
    tx.commit().await.unwrap();
    upgraded
}

fn credential(number: u32, hash: PasswordHash, failures: i32) -> PasswordCredential {
    PasswordCredential { user_id: user(number).id, hash, failures }
}

async fn a_person_without_a_password_has_none(fixture: Fixture) {
    fixture.put_users(&[user(1), user(2)]).await;
    put(&fixture, 2, &hash(2)).await;
    assert_eq!(find(&fixture, 1).await, None);
}

async fn a_password_comes_back(fixture: Fixture) {
    fixture.put_users(&[user(1), user(2)]).await;
    let hostile = PasswordHash::new(HOSTILE.to_owned());
    put(&fixture, 1, &hash(1)).await;
    put(&fixture, 2, &hostile).await;
    assert_eq!(find(&fixture, 1).await, Some(credential(1, hash(1), 0)));
    assert_eq!(find(&fixture, 2).await, Some(credential(2, hostile, 0)));
}

async fn a_new_password_replaces_the_old_one_and_forgets_its_failures(fixture: Fixture) {
    fixture.put_users(&[user(1), user(2)]).await;
    for number in [1, 2] {
        put(&fixture, number, &hash(1)).await;
        fail(&fixture, number).await;
    }
    put(&fixture, 1, &hash(2)).await;
    assert_eq!(find(&fixture, 1).await, Some(credential(1, hash(2), 0)));
    assert_eq!(find(&fixture, 2).await, Some(credential(2, hash(1), 1)));
}

async fn parallel_failures_are_all_counted(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    put(&fixture, 1, &hash(1)).await;
    in_parallel(&fixture.store, 32, |store, _| async move {
        let tx = store.write().await.unwrap();
        tx.credentials().count_failure(user(1).id).await.unwrap();
        tx.commit().await.unwrap();
    })
    .await;
    assert_eq!(find(&fixture, 1).await, Some(credential(1, hash(1), 32)));
}

async fn a_failure_of_nobody_leaves_no_trace(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    fail(&fixture, 1).await;
    fail(&fixture, 2).await;
    assert_eq!(find(&fixture, 1).await, None);
    assert_eq!(find(&fixture, 2).await, None);
    put(&fixture, 1, &hash(1)).await;
    assert_eq!(find(&fixture, 1).await, Some(credential(1, hash(1), 0)));
}

async fn failures_are_forgotten_for_one_person_alone(fixture: Fixture) {
    fixture.put_users(&[user(1), user(2)]).await;
    for number in [1, 2] {
        put(&fixture, number, &hash(number)).await;
        fail(&fixture, number).await;
        fail(&fixture, number).await;
    }
    let tx = fixture.write().await;
    tx.credentials().forget_failures(user(1).id).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(find(&fixture, 1).await, Some(credential(1, hash(1), 0)));
    assert_eq!(find(&fixture, 2).await, Some(credential(2, hash(2), 2)));
}

async fn an_upgrade_replaces_the_hash_it_was_made_from(fixture: Fixture) {
    fixture.put_users(&[user(1), user(2)]).await;
    put(&fixture, 1, &hash(1)).await;
    put(&fixture, 2, &hash(1)).await;
    assert!(upgrade(&fixture, 1, &hash(1), &hash(9)).await);
    assert_eq!(find(&fixture, 1).await, Some(credential(1, hash(9), 0)));
    assert_eq!(find(&fixture, 2).await, Some(credential(2, hash(1), 0)));
}

async fn an_upgrade_of_a_replaced_password_changes_nothing(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    put(&fixture, 1, &hash(2)).await;
    assert!(!upgrade(&fixture, 1, &hash(1), &hash(9)).await);
    assert_eq!(find(&fixture, 1).await, Some(credential(1, hash(2), 0)));
}

async fn an_upgrade_of_no_password_makes_none(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    assert!(!upgrade(&fixture, 1, &hash(1), &hash(9)).await);
    assert_eq!(find(&fixture, 1).await, None);
}

async fn of_parallel_upgrades_of_one_hash_exactly_one_succeeds(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    put(&fixture, 1, &hash(0)).await;
    let upgraded = in_parallel(&fixture.store, 16, |store, number| async move {
        let tx = store.write().await.unwrap();
        let new = hash(number + 1);
        let upgraded = tx.credentials().upgrade_hash(user(1).id, &hash(0), &new).await.unwrap();
        tx.commit().await.unwrap();
        upgraded.then_some(new)
    });
    let mut winners: Vec<PasswordHash> = upgraded.await.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(find(&fixture, 1).await, Some(credential(1, winners.remove(0), 0)));
}
