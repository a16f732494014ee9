use ipse::application::ports::StoredSecret;

use super::samples::{HOSTILE, at};
use super::{Fixture, in_parallel};
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    a_secret_comes_back
    secrets_come_in_the_order_of_their_times
    a_name_is_taken_exactly
    a_secret_is_never_replaced
    a_secret_is_erased_alone
    replicas_that_insert_in_parallel_agree_on_one_secret
}

fn secret(name: &str, sealed: &[u8], time: i64) -> StoredSecret {
    StoredSecret { name: name.to_owned(), sealed: sealed.to_owned(), create_time: at(time) }
}

async fn all(fixture: &Fixture) -> Vec<StoredSecret> {
    fixture.read().await.server_secrets().list_server_secrets().await.unwrap()
}

async fn insert(fixture: &Fixture, secrets: &[StoredSecret]) {
    let tx = fixture.write().await;
    for secret in secrets {
        tx.server_secrets().insert_server_secret(secret).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn a_secret_comes_back(fixture: Fixture) {
    let all_bytes: Vec<u8> = (0..=255).collect();
    insert(&fixture, &[secret(HOSTILE, &all_bytes, 7)]).await;
    assert_eq!(all(&fixture).await, [secret(HOSTILE, &all_bytes, 7)]);
}

async fn secrets_come_in_the_order_of_their_times(fixture: Fixture) {
    let [first, second, third] = [secret("b", &[1], 1), secret("a", &[2], 2), secret("c", &[3], 2)];
    insert(&fixture, &[third.clone(), second.clone(), first.clone()]).await;
    assert_eq!(all(&fixture).await, [first, second, third]);
}

async fn a_name_is_taken_exactly(fixture: Fixture) {
    let secrets = [secret("name", &[1], 1), secret("NAME", &[2], 2), secret("name ", &[3], 3)];
    insert(&fixture, &secrets).await;
    assert_eq!(all(&fixture).await, secrets);
}

async fn a_secret_is_never_replaced(fixture: Fixture) {
    insert(&fixture, &[secret("name", b"first", 0)]).await;
    insert(&fixture, &[secret("name", b"second", 1), secret("other", b"third", 1)]).await;
    assert_eq!(all(&fixture).await, [secret("name", b"first", 0), secret("other", b"third", 1)]);
}

async fn a_secret_is_erased_alone(fixture: Fixture) {
    insert(&fixture, &[secret("name", b"first", 0), secret("name ", b"second", 1)]).await;
    let tx = fixture.write().await;
    tx.server_secrets().delete_server_secret("name").await.unwrap();
    tx.server_secrets().delete_server_secret("nobody").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(all(&fixture).await, [secret("name ", b"second", 1)]);
}

async fn replicas_that_insert_in_parallel_agree_on_one_secret(fixture: Fixture) {
    let seen = in_parallel(&fixture.store, 16, |store, number| async move {
        let tx = store.write().await.unwrap();
        tx.server_secrets().insert_server_secret(&secret("name", &number.to_be_bytes(), 0)).await.unwrap();
        tx.commit().await.unwrap();
        store.read().await.unwrap().server_secrets().list_server_secrets().await.unwrap()
    });
    let seen = seen.await;
    assert_eq!(seen[0].len(), 1);
    assert!(seen.iter().all(|secrets| *secrets == seen[0]));
}
