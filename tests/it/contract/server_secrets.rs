use super::samples::{HOSTILE, at};
use super::{Fixture, in_parallel};
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    a_secret_comes_back
    a_name_is_taken_exactly
    a_secret_is_never_replaced
    replicas_that_insert_in_parallel_agree_on_one_secret
}

async fn find(fixture: &Fixture, name: &str) -> Option<Vec<u8>> {
    fixture.read().await.server_secrets().find_server_secret(name).await.unwrap()
}

async fn insert(fixture: &Fixture, name: &str, sealed: &[u8]) {
    let mut tx = fixture.write().await;
    tx.server_secrets().insert_server_secret(name, sealed, at(0)).await.unwrap();
    tx.commit().await.unwrap();
}

async fn a_secret_comes_back(fixture: Fixture) {
    let all_bytes: Vec<u8> = (0..=255).collect();
    insert(&fixture, HOSTILE, &all_bytes).await;
    assert_eq!(find(&fixture, HOSTILE).await, Some(all_bytes));
}

async fn a_name_is_taken_exactly(fixture: Fixture) {
    for (name, sealed) in [("name", [1]), ("NAME", [2]), ("name ", [3])] {
        insert(&fixture, name, &sealed).await;
    }
    assert_eq!(find(&fixture, "name").await, Some(vec![1]));
    assert_eq!(find(&fixture, "NAME").await, Some(vec![2]));
    assert_eq!(find(&fixture, "name ").await, Some(vec![3]));
    assert_eq!(find(&fixture, "nam_").await, None);
}

async fn a_secret_is_never_replaced(fixture: Fixture) {
    insert(&fixture, "name", b"first").await;
    let mut tx = fixture.write().await;
    tx.server_secrets().insert_server_secret("name", b"second", at(1)).await.unwrap();
    tx.server_secrets().insert_server_secret("other", b"third", at(1)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(find(&fixture, "name").await.as_deref(), Some(&b"first"[..]));
    assert_eq!(find(&fixture, "other").await.as_deref(), Some(&b"third"[..]));
}

async fn replicas_that_insert_in_parallel_agree_on_one_secret(fixture: Fixture) {
    let seen = in_parallel(&fixture.store, 16, |store, number| async move {
        let mut tx = store.write().await.unwrap();
        tx.server_secrets().insert_server_secret("name", &number.to_be_bytes(), at(0)).await.unwrap();
        tx.commit().await.unwrap();
        store.read().await.unwrap().server_secrets().find_server_secret("name").await.unwrap()
    });
    let seen = seen.await;
    assert!(seen[0].is_some());
    assert!(seen.iter().all(|secret| *secret == seen[0]));
}
