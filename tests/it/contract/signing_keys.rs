use std::sync::Arc;
use std::time::Duration;

use ipse::application::ports::StoreError;
use ipse::domain::token::signing_key::{SigningAlgorithm, SigningKey};

use super::Fixture;
use super::samples::{HOSTILE, TICK, at};
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    a_key_comes_back_with_nothing_missing
    the_key_that_signs_last_comes_first
    a_key_is_stored_once
    key_ids_differ_in_case
    the_times_of_a_key_change_and_nothing_else
    dropped_keys_are_erased
    the_lock_holds_other_replicas_off
    the_lock_does_not_hold_readers_off
    an_unknown_algorithm_is_corrupt
}

fn key(number: i64) -> SigningKey {
    SigningKey {
        kid: format!("key-{number}"),
        algorithm: SigningAlgorithm::Es256,
        public_jwk: "{}".to_owned(),
        sealed_private_key: vec![0],
        create_time: at(number),
        activate_time: at(number),
        retire_time: None,
        drop_time: None,
    }
}

async fn insert(fixture: &Fixture, keys: &[SigningKey]) {
    let tx = fixture.write().await;
    for key in keys {
        tx.signing_keys().insert_signing_key(key).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn list(fixture: &Fixture) -> Vec<SigningKey> {
    fixture.read().await.signing_keys().list_signing_keys().await.unwrap()
}

async fn a_key_comes_back_with_nothing_missing(fixture: Fixture) {
    assert_eq!(list(&fixture).await, []);
    let complete = SigningKey {
        kid: HOSTILE.to_owned(),
        algorithm: SigningAlgorithm::EdDsa,
        public_jwk: format!("{{\"kty\":\"{}\",  \"a\" : 1, \"a\":2}}", HOSTILE.replace(['"', '\\'], "")),
        sealed_private_key: (0..=255).collect(),
        activate_time: at(10) + TICK,
        retire_time: Some(at(11) + TICK),
        drop_time: Some(at(12) + TICK),
        ..key(2)
    };
    insert(&fixture, &[key(1), complete.clone()]).await;
    assert_eq!(list(&fixture).await, [complete, key(1)]);
}

async fn the_key_that_signs_last_comes_first(fixture: Fixture) {
    let published_early = SigningKey { create_time: at(0), ..key(4) };
    insert(&fixture, &[key(2), published_early.clone(), key(3), key(1)]).await;
    assert_eq!(list(&fixture).await, [published_early, key(3), key(2), key(1)]);
}

async fn a_key_is_stored_once(fixture: Fixture) {
    insert(&fixture, &[key(1)]).await;
    let tx = fixture.write().await;
    let again = tx.signing_keys().insert_signing_key(&key(1)).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
}

async fn key_ids_differ_in_case(fixture: Fixture) {
    let upper = SigningKey { kid: "KEY-1".to_owned(), ..key(2) };
    insert(&fixture, &[key(1), upper.clone()]).await;
    assert_eq!(list(&fixture).await, [upper, key(1)]);
}

async fn the_times_of_a_key_change_and_nothing_else(fixture: Fixture) {
    insert(&fixture, &[key(1), key(2)]).await;
    let retired = SigningKey {
        activate_time: at(1) + TICK,
        retire_time: Some(at(2) + TICK),
        drop_time: Some(at(3) + TICK),
        ..key(1)
    };
    let claims_more = SigningKey {
        algorithm: SigningAlgorithm::EdDsa,
        public_jwk: "[]".to_owned(),
        sealed_private_key: vec![1],
        create_time: at(9),
        ..retired.clone()
    };
    for (change, stored) in [(claims_more, retired), (key(1), key(1))] {
        let tx = fixture.write().await;
        tx.signing_keys().update_signing_key_times(&change).await.unwrap();
        tx.signing_keys().update_signing_key_times(&key(7)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(list(&fixture).await, [key(2), stored]);
    }
}

async fn dropped_keys_are_erased(fixture: Fixture) {
    let dropped = |number, time| SigningKey { drop_time: Some(time), ..key(number) };
    insert(&fixture, &[key(1), dropped(2, at(10)), dropped(3, at(10) + TICK), dropped(4, at(9))]).await;
    let tx = fixture.write().await;
    assert_eq!(tx.signing_keys().purge_signing_keys(at(10)).await.unwrap(), 2);
    tx.commit().await.unwrap();
    assert_eq!(list(&fixture).await, [dropped(3, at(10) + TICK), key(1)]);
}

async fn the_lock_holds_other_replicas_off(fixture: Fixture) {
    let first = fixture.write().await;
    first.signing_keys().lock_signing_keys().await.unwrap();
    let store = Arc::clone(&fixture.store);
    let mut second = tokio::spawn(async move {
        let second = store.write().await.unwrap();
        second.signing_keys().lock_signing_keys().await.unwrap();
        second.signing_keys().list_signing_keys().await.unwrap()
    });
    let waiting = tokio::time::timeout(Duration::from_millis(200), &mut second).await;
    assert!(waiting.is_err(), "{waiting:?}");
    first.signing_keys().insert_signing_key(&key(1)).await.unwrap();
    first.commit().await.unwrap();
    assert_eq!(second.await.unwrap(), [key(1)]);
}

async fn the_lock_does_not_hold_readers_off(fixture: Fixture) {
    insert(&fixture, &[key(1)]).await;
    let tx = fixture.write().await;
    tx.signing_keys().lock_signing_keys().await.unwrap();
    tx.signing_keys().insert_signing_key(&key(2)).await.unwrap();
    assert_eq!(list(&fixture).await, [key(1)]);
    tx.commit().await.unwrap();
    assert_eq!(list(&fixture).await, [key(2), key(1)]);
}

async fn an_unknown_algorithm_is_corrupt(fixture: Fixture) {
    insert(&fixture, &[key(1)]).await;
    fixture.execute("UPDATE signing_keys SET algorithm = 'HS256'").await;
    let listed = fixture.read().await.signing_keys().list_signing_keys().await;
    assert!(matches!(listed, Err(StoreError::Corrupt(_))), "{listed:?}");
}
