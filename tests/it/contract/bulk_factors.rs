//! Factors of many people at a time.

use std::collections::HashSet;

use ipse::domain::credential::factor::{Factor, FactorMethod};
use ipse::domain::credential::password::PasswordHash;
use ipse::domain::id::FactorId;

use super::samples::{factor_id, hash, passkey, recovery_codes, totp, user};
use super::{Fixture, in_parallel};
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    factors_come_back_with_their_codes
    whose_credential_id_somebody_has_is_left_out
    thousands_are_stored
    of_parallel_batches_one_stores_a_passkey
}

async fn insert(fixture: &Fixture, factors: &[Factor], codes: &[(FactorId, PasswordHash)]) -> usize {
    let tx = fixture.write().await;
    let stored = tx.factors().insert_factors(factors, codes).await.unwrap();
    tx.commit().await.unwrap();
    stored
}

async fn factors_come_back_with_their_codes(fixture: Fixture) {
    let (alice, bob) = (user(1), user(2));
    fixture.put_users(&[alice.clone(), bob.clone()]).await;
    let mut taken = totp(&alice, 1);
    (taken.failures, taken.last_used_time) = (3, Some(taken.create_time));
    taken.method = FactorMethod::Totp { sealed_secret: vec![1], last_step: Some(7) };
    let factors = [taken, passkey(&alice, 2), recovery_codes(&alice, 3), recovery_codes(&bob, 4), totp(&bob, 5)];
    let codes = [(factor_id(3), hash(1)), (factor_id(3), hash(2)), (factor_id(4), hash(1))];
    assert_eq!(insert(&fixture, &factors, &codes).await, 5);
    let tx = fixture.read().await;
    let mut found = tx.factors().list_factors_of(&[alice.id, bob.id]).await.unwrap();
    found.sort_by_key(|factor| factor.id);
    let mut expected = factors.clone();
    expected[2].method = FactorMethod::RecoveryCodes { remaining: 2 };
    expected[3].method = FactorMethod::RecoveryCodes { remaining: 1 };
    assert_eq!(found, expected);
    let mut hashes = tx.factors().list_recovery_codes(&[factor_id(3), factor_id(4), factor_id(9)]).await.unwrap();
    hashes.sort_by_key(|(id, hash)| (*id, hash.as_str().to_owned()));
    assert_eq!(hashes, codes);
    assert_eq!(tx.factors().list_recovery_codes(&[]).await.unwrap(), []);
}

async fn whose_credential_id_somebody_has_is_left_out(fixture: Fixture) {
    let (alice, bob) = (user(1), user(2));
    fixture.put_users(&[alice.clone(), bob.clone()]).await;
    assert_eq!(insert(&fixture, &[passkey(&alice, 1), passkey(&alice, 2)], &[]).await, 2);
    let mut same = passkey(&bob, 1);
    same.id = factor_id(9);
    assert_eq!(insert(&fixture, &[same, totp(&bob, 3), totp(&bob, 4)], &[]).await, 2);
    let ids = [1_u32, 2, 3].map(u32::to_be_bytes);
    let ids: Vec<&[u8]> = ids.iter().map(<[u8; 4]>::as_slice).collect();
    let taken = fixture.read().await.factors().find_taken_credentials(&ids).await.unwrap();
    assert_eq!(taken, HashSet::from([ids[0].to_vec(), ids[1].to_vec()]));
    assert!(fixture.read().await.factors().find_taken_credentials(&[]).await.unwrap().is_empty());
}

async fn thousands_are_stored(fixture: Fixture) {
    let alice = user(1);
    fixture.put_users(std::slice::from_ref(&alice)).await;
    let factors: Vec<Factor> = (0..2001).map(|number| passkey(&alice, number)).collect();
    let codes: Vec<_> = (0..2001).map(|number| (factor_id(number), hash(number))).collect();
    assert_eq!(insert(&fixture, &factors, &codes).await, 2001);
    assert_eq!(insert(&fixture, &[], &[]).await, 0);
    let ids: Vec<[u8; 4]> = (0..2001_u32).map(u32::to_be_bytes).collect();
    let ids: Vec<&[u8]> = ids.iter().map(<[u8; 4]>::as_slice).collect();
    assert_eq!(fixture.read().await.factors().find_taken_credentials(&ids).await.unwrap().len(), 2001);
}

async fn of_parallel_batches_one_stores_a_passkey(fixture: Fixture) {
    let alice = user(1);
    fixture.put_users(std::slice::from_ref(&alice)).await;
    let stored = in_parallel(&fixture.store, 4, |store, batch| {
        let mut factor = passkey(&alice, 1);
        factor.id = factor_id(10 + batch);
        async move {
            let tx = store.write().await.unwrap();
            let stored = tx.factors().insert_factors(&[factor], &[]).await.unwrap();
            tx.commit().await.unwrap();
            stored
        }
    })
    .await;
    assert_eq!(stored.iter().sum::<usize>(), 1);
}
