use ipse::application::ports::{Job, JobClaim, JobPayload, Lease, RequestKey, SealedPlace, StoredSecret};
use ipse::domain::credential::factor::{Enrolment, EnrolmentMethod, Factor, FactorMethod};
use ipse::domain::id::{JobId, RequestId};
use ipse::domain::token::signing_key::{SigningAlgorithm, SigningKey};
use uuid::Uuid;

use super::Fixture;
use super::samples::{
    HOSTILE, at, digest, enrolment, factor_id, job_id, lease_id, passkey, recovery_codes, totp, user,
};
use crate::support::on_both_backends;

on_both_backends! {
    sealed_values =>
    every_sealed_value_is_found_in_order
    values_come_in_pages
    a_value_is_replaced_at_its_place_alone
    a_value_that_changed_meanwhile_is_not_replaced
    a_row_that_is_gone_stays_gone
    what_is_not_sealed_is_not_replaced
}

fn request(caller: u32, id: u32) -> RequestKey {
    RequestKey { caller_id: *user(caller).id.as_uuid(), request_id: RequestId::from_uuid(Uuid::from_u128(id.into())) }
}

/// All there is, in each table in the order of its key; the value of each is its place.
fn places() -> Vec<Vec<SealedPlace>> {
    vec![
        vec![SealedPlace::ServerSecret(HOSTILE.to_owned()), SealedPlace::ServerSecret("root".to_owned())],
        vec![SealedPlace::SigningKey("A".to_owned()), SealedPlace::SigningKey("a".to_owned())],
        [1, 3, 4].map(|number| SealedPlace::Job(job_id(number))).to_vec(),
        [(1, 0), (1, 2), (2, 1)].map(|(caller, id)| SealedPlace::Answer(request(caller, id))).to_vec(),
        [1, 3].map(|number| SealedPlace::Factor(factor_id(number))).to_vec(),
        [1, 3].map(|number| SealedPlace::Enrolment(factor_id(number))).to_vec(),
    ]
}

fn value(place: &SealedPlace) -> Vec<u8> {
    place.to_string().into_bytes()
}

/// A job that carries something.
fn job(id: JobId, payload: JobPayload) -> Job {
    Job {
        id,
        kind: "kind".to_owned(),
        lane: "lane".to_owned(),
        unique_key: None,
        payload,
        user_id: None,
        create_time: at(0),
        run_time: at(0),
        give_up_time: None,
        attempts: 0,
    }
}

/// A store with a value at each of the places, a job that carries nothing sealed, a call that has no answer yet, and
/// factors without a secret.
async fn sealed_values(backend: crate::support::database::Backend) -> Fixture {
    let fixture = Fixture::new(backend).await;
    fixture.put_users(&[user(1), user(2)]).await;
    let tx = fixture.write().await;
    for place in places().concat().iter().rev() {
        let sealed = value(place);
        match place {
            SealedPlace::ServerSecret(name) => {
                let secret = StoredSecret { name: name.clone(), sealed, create_time: at(0) };
                tx.server_secrets().insert_server_secret(&secret).await.unwrap();
            }
            SealedPlace::SigningKey(kid) => {
                let key = SigningKey {
                    kid: kid.clone(),
                    algorithm: SigningAlgorithm::Es256,
                    public_jwk: "{}".to_owned(),
                    sealed_private_key: sealed,
                    create_time: at(0),
                    activate_time: at(0),
                    retire_time: None,
                    drop_time: None,
                };
                tx.signing_keys().insert_signing_key(&key).await.unwrap();
            }
            SealedPlace::Job(id) => {
                assert!(tx.jobs().enqueue_job(&job(*id, JobPayload::Sealed(sealed))).await.unwrap());
            }
            SealedPlace::Answer(key) => {
                tx.answered_requests().claim_request(*key, &digest(1), at(0), at(0)).await.unwrap();
                tx.answered_requests().put_answer(*key, &sealed).await.unwrap();
            }
            SealedPlace::Factor(id) => {
                let method = FactorMethod::Totp { sealed_secret: sealed, last_step: None };
                assert!(tx.factors().insert_factor(&Factor { id: *id, method, ..totp(&user(1), 0) }).await.unwrap());
            }
            SealedPlace::Enrolment(id) => {
                // There is one of each person.
                let owner = user(if *id == factor_id(1) { 1 } else { 2 });
                let method = EnrolmentMethod::Totp { sealed_secret: sealed };
                let enrolment = Enrolment { id: *id, method, ..enrolment(&owner, 0) };
                tx.factors().put_enrolment(&enrolment).await.unwrap();
            }
        }
    }
    tx.answered_requests().claim_request(request(1, 1), &digest(1), at(0), at(0)).await.unwrap();
    assert!(tx.factors().insert_factor(&passkey(&user(1), 2)).await.unwrap());
    assert!(tx.factors().insert_factor(&recovery_codes(&user(1), 4)).await.unwrap());
    let method = EnrolmentMethod::Passkey { challenge: [7; 32], user_handle: vec![7] };
    tx.factors().put_enrolment(&Enrolment { method, ..enrolment(&user(1), 2) }).await.unwrap();
    assert!(tx.jobs().enqueue_job(&job(job_id(2), JobPayload::Plain(b"plain".to_vec()))).await.unwrap());
    tx.commit().await.unwrap();
    fixture
}

async fn list(fixture: &Fixture, after: &SealedPlace, limit: i64) -> Vec<(SealedPlace, Vec<u8>)> {
    fixture.read().await.sealed_rows().list_sealed(after, limit).await.unwrap()
}

async fn replace(fixture: &Fixture, place: &SealedPlace, old: &[u8], new: &[u8]) -> bool {
    let tx = fixture.write().await;
    let replaced = tx.sealed_rows().replace_sealed(place, old, new).await.unwrap();
    tx.commit().await.unwrap();
    replaced
}

fn with_values(places: &[SealedPlace]) -> Vec<(SealedPlace, Vec<u8>)> {
    places.iter().map(|place| (place.clone(), value(place))).collect()
}

async fn every_sealed_value_is_found_in_order(fixture: Fixture) {
    for (beginning, places) in SealedPlace::beginnings().iter().zip(places()) {
        assert_eq!(list(&fixture, beginning, 100).await, with_values(&places));
    }
}

async fn values_come_in_pages(fixture: Fixture) {
    for (beginning, places) in SealedPlace::beginnings().iter().zip(places()) {
        let mut seen: Vec<(SealedPlace, Vec<u8>)> = Vec::new();
        loop {
            let after = seen.last().map_or(beginning, |(place, _)| place);
            let page = list(&fixture, after, 1).await;
            assert!(page.len() <= 1);
            let Some(row) = page.into_iter().next() else { break };
            seen.push(row);
        }
        assert_eq!(seen, with_values(&places));
    }
}

async fn a_value_is_replaced_at_its_place_alone(fixture: Fixture) {
    for (beginning, places) in SealedPlace::beginnings().iter().zip(places()) {
        assert!(replace(&fixture, &places[0], &value(&places[0]), b"new").await);
        let mut expected = with_values(&places);
        expected[0].1 = b"new".to_vec();
        assert_eq!(list(&fixture, beginning, 100).await, expected);
    }
}

async fn a_value_that_changed_meanwhile_is_not_replaced(fixture: Fixture) {
    for place in places().concat() {
        assert!(replace(&fixture, &place, &value(&place), b"of somebody else").await);
        assert!(!replace(&fixture, &place, &value(&place), b"late").await, "{place}");
    }
    for (beginning, places) in SealedPlace::beginnings().iter().zip(places()) {
        let values = list(&fixture, beginning, 100).await;
        assert_eq!(values.len(), places.len());
        assert!(values.iter().all(|(_, sealed)| sealed == b"of somebody else"));
    }
}

async fn a_row_that_is_gone_stays_gone(fixture: Fixture) {
    let tx = fixture.write().await;
    let lease = Lease { id: lease_id(1), begin: at(0), end: at(1) };
    assert_eq!(tx.jobs().claim_jobs("lane", &lease, 100).await.unwrap().len(), 4);
    assert!(tx.jobs().finish_job(JobClaim { id: job_id(1), lease: lease.id }).await.unwrap());
    tx.commit().await.unwrap();
    let place = SealedPlace::Job(job_id(1));
    assert!(!replace(&fixture, &place, &value(&place), b"new").await);
    assert_eq!(list(&fixture, &SealedPlace::beginnings()[2], 100).await.len(), 2);
}

async fn what_is_not_sealed_is_not_replaced(fixture: Fixture) {
    assert!(!replace(&fixture, &SealedPlace::Job(job_id(2)), b"plain", b"new").await);
}
