use ipse::application::ports::StoreError;
use ipse::domain::account::user::User;
use ipse::domain::credential::factor::{Enrolment, EnrolmentMethod, Factor, FactorMethod, FactorName};
use ipse::domain::credential::passkey::Passkey;
use ipse::domain::id::FactorId;
use time::Duration;
use uuid::Uuid;

use super::samples::{HOSTILE, TICK, at, challenge, enrolment, factor_id, hash, passkey, recovery_codes, totp, user};
use super::{Fixture, in_parallel};
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    factors_of_every_kind_come_back_with_nothing_missing
    factors_are_listed_in_the_order_in_which_they_were_enrolled
    factors_of_many_are_listed_person_by_person
    recovery_codes_are_counted
    a_factor_is_found_by_its_owner_alone
    a_passkey_is_found_whoever_has_it
    a_credential_id_is_given_once_whoever_has_it
    of_parallel_inserts_of_one_credential_id_exactly_one_succeeds
    a_new_name_changes_nothing_else
    a_name_of_a_stale_revision_changes_nothing
    of_parallel_names_exactly_one_is_stored
    a_factor_is_erased_by_its_owner_alone_with_its_codes
    all_factors_of_a_person_are_erased
    nothing_is_left_of_a_person_who_is_purged
    a_value_without_meaning_is_corrupt
}

fn named(factor: Factor, name: &str) -> Factor {
    Factor { display_name: FactorName::parse(name).unwrap(), ..factor }
}

fn complete_passkey(owner: &User, number: u32) -> Factor {
    let method = FactorMethod::Passkey(Passkey {
        credential_id: vec![0xff; 1023],
        public_key: vec![1, 2, 3],
        user_handle: vec![4; 64],
        rp_id: "xn--bcher-kva.example".to_owned(),
        sign_count: u32::MAX,
        aaguid: Uuid::from_u128(u128::MAX - 1),
        transports: vec!["usb".to_owned(), "internal".to_owned(), "hybrid".to_owned()],
        backup_eligible: true,
        backed_up: true,
        user_verified: false,
    });
    named(Factor { method, ..used(passkey(owner, number)) }, HOSTILE)
}

fn used(factor: Factor) -> Factor {
    Factor { failures: 99, last_used_time: Some(at(77) + TICK), revision: i64::from(u32::MAX) + 1, ..factor }
}

async fn list(fixture: &Fixture, owner: u32) -> Vec<Factor> {
    fixture.read().await.factors().list_factors(user(owner).id).await.unwrap()
}

async fn find(fixture: &Fixture, owner: u32, number: u32) -> Option<Factor> {
    fixture.read().await.factors().find_factor(user(owner).id, factor_id(number)).await.unwrap()
}

async fn find_passkey(fixture: &Fixture, credential_id: &[u8]) -> Option<Factor> {
    fixture.read().await.factors().find_passkey(credential_id).await.unwrap()
}

async fn rename(fixture: &Fixture, factor: &Factor) -> bool {
    let tx = fixture.write().await;
    let renamed = tx.factors().rename_factor(factor).await.unwrap();
    tx.commit().await.unwrap();
    renamed
}

async fn erase(fixture: &Fixture, owner: u32, id: FactorId) -> bool {
    let tx = fixture.write().await;
    let erased = tx.factors().delete_factor(user(owner).id, id).await.unwrap();
    tx.commit().await.unwrap();
    erased
}

async fn put_codes(fixture: &Fixture, number: u32, hashes: std::ops::Range<u32>) {
    let hashes: Vec<_> = hashes.map(hash).collect();
    let tx = fixture.write().await;
    tx.factors().put_recovery_codes(factor_id(number), &hashes).await.unwrap();
    tx.commit().await.unwrap();
}

async fn factors_of_every_kind_come_back_with_nothing_missing(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    let complete_totp = FactorMethod::Totp { sealed_secret: vec![0, 1, 0xff], last_step: Some(i64::MAX) };
    let factors = [
        totp(&user(1), 1),
        used(named(Factor { method: complete_totp, ..totp(&user(1), 2) }, HOSTILE)),
        passkey(&user(1), 3),
        complete_passkey(&user(1), 4),
        recovery_codes(&user(1), 5),
        used(recovery_codes(&user(1), 6)),
    ];
    fixture.put_factors(&factors).await;
    assert_eq!(list(&fixture, 1).await, factors);
    for (number, factor) in (1..).zip(factors) {
        assert_eq!(find(&fixture, 1, number).await, Some(factor));
    }
}

async fn factors_are_listed_in_the_order_in_which_they_were_enrolled(fixture: Fixture) {
    fixture.put_users(&[user(1), user(2)]).await;
    let late = Factor { create_time: at(9), ..totp(&user(1), 1) };
    let factors = [passkey(&user(1), 2), totp(&user(1), 3), late];
    fixture.put_factors(&factors.iter().rev().cloned().collect::<Vec<_>>()).await;
    fixture.put_factors(&[totp(&user(2), 4)]).await;
    assert_eq!(list(&fixture, 1).await, factors);
    assert_eq!(list(&fixture, 3).await, []);
}

async fn factors_of_many_are_listed_person_by_person(fixture: Fixture) {
    fixture.put_users(&(0..=200).map(user).collect::<Vec<_>>()).await;
    let factors = [totp(&user(1), 4), passkey(&user(1), 6), totp(&user(2), 3), totp(&user(3), 1)];
    fixture.put_factors(&factors).await;
    fixture.put_factors(&[totp(&user(0), 9)]).await;
    put_codes(&fixture, 9, 0..1).await;
    let ids: Vec<_> = (1..=200).rev().map(|number| user(number).id).collect();
    assert_eq!(fixture.read().await.factors().list_factors_of(&ids).await.unwrap(), factors);
    assert_eq!(fixture.read().await.factors().list_factors_of(&[]).await.unwrap(), []);
}

async fn recovery_codes_are_counted(fixture: Fixture) {
    let with_codes = |factor, remaining| Factor { method: FactorMethod::RecoveryCodes { remaining }, ..factor };
    fixture.put_users(&[user(1), user(2)]).await;
    fixture.put_factors(&[totp(&user(1), 1), recovery_codes(&user(1), 2), recovery_codes(&user(2), 3)]).await;
    put_codes(&fixture, 2, 0..10).await;
    put_codes(&fixture, 3, 5..8).await;
    let [mine, others] = [with_codes(recovery_codes(&user(1), 2), 10), with_codes(recovery_codes(&user(2), 3), 3)];
    assert_eq!(list(&fixture, 1).await, [totp(&user(1), 1), mine.clone()]);
    assert_eq!(list(&fixture, 2).await, [others]);
    assert_eq!(find(&fixture, 1, 2).await, Some(mine));
}

async fn a_factor_is_found_by_its_owner_alone(fixture: Fixture) {
    fixture.put_users(&[user(1), user(2)]).await;
    fixture.put_factors(&[totp(&user(1), 1)]).await;
    assert_eq!(find(&fixture, 1, 1).await, Some(totp(&user(1), 1)));
    assert_eq!((find(&fixture, 2, 1).await, find(&fixture, 1, 2).await), (None, None));
}

async fn a_passkey_is_found_whoever_has_it(fixture: Fixture) {
    fixture.put_users(&[user(1), user(2)]).await;
    fixture.put_factors(&[passkey(&user(1), 1), passkey(&user(2), 2), totp(&user(1), 3)]).await;
    assert_eq!(find_passkey(&fixture, &1_u32.to_be_bytes()).await, Some(passkey(&user(1), 1)));
    assert_eq!(find_passkey(&fixture, &2_u32.to_be_bytes()).await, Some(passkey(&user(2), 2)));
    assert_eq!((find_passkey(&fixture, &[0]).await, find_passkey(&fixture, &[]).await), (None, None));
}

async fn a_credential_id_is_given_once_whoever_has_it(fixture: Fixture) {
    fixture.put_users(&[user(1), user(2)]).await;
    fixture.put_factors(&[passkey(&user(1), 1)]).await;
    let rival = Factor { method: passkey(&user(1), 1).method, ..passkey(&user(2), 2) };
    let tx = fixture.write().await;
    assert!(!tx.factors().insert_factor(&rival).await.unwrap());
    assert!(tx.factors().insert_factor(&passkey(&user(2), 3)).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(
        (list(&fixture, 1).await, list(&fixture, 2).await),
        (vec![passkey(&user(1), 1)], vec![passkey(&user(2), 3)])
    );
}

async fn of_parallel_inserts_of_one_credential_id_exactly_one_succeeds(fixture: Fixture) {
    fixture.put_users(&(0..20).map(user).collect::<Vec<_>>()).await;
    let inserted = in_parallel(&fixture.store, 20, |store, number| async move {
        let tx = store.write().await.unwrap();
        let rival = Factor { method: passkey(&user(0), 7).method, ..passkey(&user(number), number) };
        let inserted = tx.factors().insert_factor(&rival).await.unwrap();
        tx.commit().await.unwrap();
        inserted
    });
    assert_eq!(inserted.await.into_iter().filter(|inserted| *inserted).count(), 1);
    assert_eq!(fixture.count("factors").await, 1);
}

async fn a_new_name_changes_nothing_else(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    let stored = Factor { failures: 3, last_used_time: Some(at(9)), ..totp(&user(1), 1) };
    fixture.put_factors(&[stored.clone(), totp(&user(1), 2)]).await;
    let stale = Factor { failures: 0, last_used_time: None, revision: 2, ..stored.clone() };
    assert!(rename(&fixture, &named(stale, HOSTILE)).await);
    assert_eq!(list(&fixture, 1).await, [named(Factor { revision: 2, ..stored }, HOSTILE), totp(&user(1), 2)]);
}

async fn a_name_of_a_stale_revision_changes_nothing(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    fixture.put_factors(&[totp(&user(1), 1)]).await;
    for revision in [1, 3] {
        assert!(!rename(&fixture, &named(Factor { revision, ..totp(&user(1), 1) }, "late")).await, "{revision}");
    }
    assert!(!rename(&fixture, &named(Factor { revision: 2, ..totp(&user(1), 2) }, "nobody's")).await);
    assert_eq!(list(&fixture, 1).await, [totp(&user(1), 1)]);
}

async fn of_parallel_names_exactly_one_is_stored(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    fixture.put_factors(&[totp(&user(1), 1)]).await;
    let renamed = in_parallel(&fixture.store, 20, |store, number| async move {
        let tx = store.write().await.unwrap();
        let renamed = named(Factor { revision: 2, ..totp(&user(1), 1) }, &format!("name {number}"));
        let stored = tx.factors().rename_factor(&renamed).await.unwrap();
        tx.commit().await.unwrap();
        stored.then_some(renamed)
    });
    let winners: Vec<Factor> = renamed.await.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(list(&fixture, 1).await, winners);
}

async fn a_factor_is_erased_by_its_owner_alone_with_its_codes(fixture: Fixture) {
    fixture.put_users(&[user(1), user(2)]).await;
    fixture.put_factors(&[recovery_codes(&user(1), 1), recovery_codes(&user(2), 2)]).await;
    put_codes(&fixture, 1, 0..4).await;
    put_codes(&fixture, 2, 0..3).await;
    assert!(!erase(&fixture, 2, factor_id(1)).await);
    assert_eq!(fixture.count("recovery_codes").await, 7);
    assert!(erase(&fixture, 1, factor_id(1)).await);
    assert!(!erase(&fixture, 1, factor_id(1)).await);
    assert_eq!((fixture.count("factors").await, fixture.count("recovery_codes").await), (1, 3));
}

/// A store with a factor of each kind, both enrolments and a challenge of each of two people.
async fn put_everything(fixture: &Fixture, people: [User; 2]) {
    fixture.put_users(&people).await;
    for (index, person) in (0..).zip(&people) {
        let number = |number: u32| index * 10 + number;
        fixture
            .put_factors(&[totp(person, number(1)), passkey(person, number(2)), recovery_codes(person, number(3))])
            .await;
        put_codes(fixture, number(3), 0..2).await;
        let method = EnrolmentMethod::Passkey { challenge: [7; 32], user_handle: vec![7] };
        let tx = fixture.write().await;
        tx.factors().put_enrolment(&enrolment(person, number(4))).await.unwrap();
        tx.factors().put_enrolment(&Enrolment { method, ..enrolment(person, number(5)) }).await.unwrap();
        tx.commit().await.unwrap();
        let mut challenge = challenge(index);
        challenge.user_id = Some(person.id);
        fixture.put_challenges(&[challenge]).await;
    }
}

async fn all_factors_of_a_person_are_erased(fixture: Fixture) {
    put_everything(&fixture, [user(1), user(2)]).await;
    let tx = fixture.write().await;
    assert_eq!(tx.factors().delete_factors(user(1).id).await.unwrap(), 3);
    assert_eq!(tx.factors().delete_factors(user(1).id).await.unwrap(), 0);
    tx.commit().await.unwrap();
    assert_eq!((list(&fixture, 1).await, list(&fixture, 2).await.len()), (vec![], 3));
    for (table, left) in [("factors", 3), ("recovery_codes", 2), ("factor_enrolments", 2), ("challenges", 2)] {
        assert_eq!(fixture.count(table).await, left, "{table}");
    }
}

async fn nothing_is_left_of_a_person_who_is_purged(fixture: Fixture) {
    let leaving = User { purge_time: Some(at(1)), ..user(1) };
    put_everything(&fixture, [leaving, user(2)]).await;
    let tx = fixture.write().await;
    assert_eq!(tx.users().purge_users(at(1) + Duration::SECOND, 10).await.unwrap(), [user(1).id]);
    tx.commit().await.unwrap();
    assert_eq!(list(&fixture, 2).await.len(), 3);
    for (table, left) in [("factors", 3), ("recovery_codes", 2), ("factor_enrolments", 2), ("challenges", 1)] {
        assert_eq!(fixture.count(table).await, left, "{table}");
    }
}

async fn a_value_without_meaning_is_corrupt(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    for nonsense in [
        "kind = 'nonsense'",
        "kind = 'totp'",
        "public_key = NULL",
        "transports = NULL",
        "sign_count = -1",
        "sign_count = 4294967296",
    ] {
        fixture.put_factors(&[passkey(&user(1), 1)]).await;
        fixture.execute(&format!("UPDATE factors SET {nonsense}")).await;
        let listed = fixture.read().await.factors().list_factors(user(1).id).await;
        assert!(matches!(listed, Err(StoreError::Corrupt(_))), "{nonsense}: {listed:?}");
        fixture.execute("DELETE FROM factors").await;
    }
}
