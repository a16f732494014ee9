mod ends;
mod lists;

use std::net::IpAddr;

use ipse::application::ports::StoreError;
use ipse::domain::Timestamp;
use ipse::domain::account::user::User;
use ipse::domain::session::authentication::{Authentication, Proof, ProofKind};
use ipse::domain::session::client::{Client, ClientId, ClientLabel};
use ipse::domain::session::{EndReason, RefreshState, Session};
use time::Duration;

use super::samples::{HOSTILE, TICK, at, complete_user, digest, session, user};
use super::{Fixture, in_parallel};
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    a_session_comes_back_with_nothing_missing
    every_end_reason_comes_back
    addresses_of_both_families_come_back
    a_session_comes_back_with_its_user
    what_is_not_stored_is_not_found
    a_value_without_meaning_is_corrupt
    a_rotation_stores_the_refresh_state_and_the_times
    what_tokens_tell_stands_beside_the_proofs
    a_rotation_of_a_retired_token_changes_nothing
    a_rotation_of_an_ended_session_changes_nothing
    of_parallel_rotations_exactly_one_succeeds
}

async fn find(fixture: &Fixture, session: &Session) -> Session {
    fixture.read().await.sessions().find_session(session.id).await.unwrap().unwrap()
}

async fn rotate(fixture: &Fixture, session: &Session, expected: u32) -> bool {
    let tx = fixture.write().await;
    let rotated = tx.sessions().rotate_session(session, &digest(expected)).await.unwrap();
    tx.commit().await.unwrap();
    rotated
}

async fn end(fixture: &Fixture, session: &Session, reason: EndReason, now: Timestamp) -> bool {
    let tx = fixture.write().await;
    let ended = tx.sessions().end_session(session.id, reason, now).await.unwrap();
    tx.commit().await.unwrap();
    ended
}

async fn list(fixture: &Fixture, owner: &User, now: Timestamp) -> Vec<Session> {
    fixture.read().await.sessions().list_sessions(owner.id, now, (None, 100)).await.unwrap()
}

/// The session after its live token was replaced by that of this number.
fn rotated(session: &Session, number: u32, now: Timestamp) -> Session {
    Session {
        last_seen_time: now,
        idle_expire_time: now + Duration::days(30),
        refresh: RefreshState {
            generation: session.refresh.generation + 1,
            current: digest(number),
            previous: Some(session.refresh.current),
            rotate_time: now,
        },
        ..session.clone()
    }
}

fn proof(time: Timestamp) -> Proof {
    Proof { kind: ProofKind::Password, time }
}

/// A session of which everything is known.
fn complete_session(owner: &User, number: u32) -> Session {
    let plain = session(owner, number);
    Session {
        client: Client::new("2001:db8::ffff:1".parse().unwrap(), HOSTILE),
        label: ClientLabel::parse(HOSTILE).unwrap(),
        audience: Some(HOSTILE.to_owned()),
        authentication: Authentication::from_proofs([proof(at(-5) + TICK), proof(at(-9)), proof(at(-7) - TICK)])
            .unwrap(),
        client_id: ClientId::parse(r#"https://app.example/'";--"#).unwrap(),
        parent_id: Some(session(owner, number + 1).id),
        aal2_expire_time: Some(at(5) + TICK),
        last_seen_time: at(6) + TICK,
        end: Some((at(7) + TICK, EndReason::Revoked)),
        refresh: RefreshState {
            generation: u32::try_from(i32::MAX).unwrap(),
            previous: Some(digest(number + 1000)),
            rotate_time: at(8) + TICK,
            ..plain.refresh
        },
        ..plain
    }
}

async fn a_session_comes_back_with_nothing_missing(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    for stored in [session(&user(1), 1), complete_session(&user(1), 2)] {
        fixture.put_sessions(std::slice::from_ref(&stored)).await;
        assert_eq!(find(&fixture, &stored).await, stored);
    }
}

async fn every_end_reason_comes_back(fixture: Fixture) {
    use EndReason::{Evicted, Logout, PasswordChanged, Revoked, TokenReuse};
    fixture.put_users(&[user(1)]).await;
    for (number, reason) in (1..).zip([Logout, Revoked, PasswordChanged, TokenReuse, Evicted]) {
        let stored = Session { end: Some((at(9), reason)), ..session(&user(1), number) };
        fixture.put_sessions(std::slice::from_ref(&stored)).await;
        assert_eq!(find(&fixture, &stored).await, stored);
    }
}

async fn addresses_of_both_families_come_back(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    for (number, address) in (1..).zip(["0.0.0.0", "255.255.255.255", "::", "2001:db8::1", "fe80::1:0:0:1"]) {
        let address: IpAddr = address.parse().unwrap();
        let stored = Session { client: Client::new(address, "agent"), ..session(&user(1), number) };
        fixture.put_sessions(std::slice::from_ref(&stored)).await;
        assert_eq!(find(&fixture, &stored).await.client.ip_address, address);
    }
}

async fn a_session_comes_back_with_its_user(fixture: Fixture) {
    let people = [user(1), complete_user(2)];
    fixture.put_users(&people).await;
    let sessions = [session(&people[0], 1), complete_session(&people[1], 2)];
    fixture.put_sessions(&sessions).await;
    let tx = fixture.read().await;
    for (session, user) in sessions.into_iter().zip(people) {
        assert_eq!(tx.sessions().find_session_with_user(session.id).await.unwrap(), Some((session, user)));
    }
}

async fn what_is_not_stored_is_not_found(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    fixture.put_sessions(&[session(&user(1), 1)]).await;
    let stranger = session(&user(1), 2);
    let tx = fixture.read().await;
    assert_eq!(tx.sessions().find_session(stranger.id).await.unwrap(), None);
    assert_eq!(tx.sessions().find_session_with_user(stranger.id).await.unwrap(), None);
    drop(tx);
    assert!(!rotate(&fixture, &stranger, 2).await);
    assert!(!end(&fixture, &stranger, EndReason::Logout, at(3)).await);
}

async fn a_value_without_meaning_is_corrupt(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    for (number, change) in (1..).zip([
        "end_reason = 'unheard_of'",
        "ip_address = 'nowhere'",
        "refresh_digest = substr(refresh_digest, 2)",
        "previous_digest = substr(previous_digest, 2)",
        "refresh_generation = -1",
    ]) {
        let stored = complete_session(&user(1), number);
        fixture.put_sessions(std::slice::from_ref(&stored)).await;
        fixture.execute(&format!("UPDATE sessions SET {change}")).await;
        let tx = fixture.read().await;
        let found = tx.sessions().find_session(stored.id).await;
        assert!(matches!(found, Err(StoreError::Corrupt(_))), "{change}: {found:?}");
        let found = tx.sessions().find_session_with_user(stored.id).await;
        assert!(matches!(found, Err(StoreError::Corrupt(_))), "{change}: {found:?}");
    }
}

async fn a_rotation_stores_the_refresh_state_and_the_times(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    let (first, bystander) = (session(&user(1), 1), session(&user(1), 2));
    fixture.put_sessions(&[first.clone(), bystander.clone()]).await;
    let second = rotated(&first, 101, at(60) + TICK);
    assert!(rotate(&fixture, &second, 1).await);
    assert_eq!(find(&fixture, &first).await, second);
    let third = Session { aal2_expire_time: Some(at(180) + TICK), ..rotated(&second, 102, at(120)) };
    assert!(rotate(&fixture, &third, 101).await);
    assert_eq!(find(&fixture, &first).await, third);
    let fourth = Session { aal2_expire_time: None, ..rotated(&third, 103, at(180)) };
    assert!(rotate(&fixture, &fourth, 102).await);
    assert_eq!(find(&fixture, &first).await, fourth);
    assert_eq!(find(&fixture, &bystander).await, bystander);
}

/// For whoever reads the tables: the service itself reads the proofs alone.
async fn what_tokens_tell_stands_beside_the_proofs(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    let proofs = [proof(at(0)), Proof { kind: ProofKind::Totp, time: at(-60) }];
    let authentication = Authentication::from_proofs(proofs).unwrap();
    let first = Session { authentication, aal2_expire_time: Some(at(9)), ..session(&user(1), 1) };
    let told = "SELECT acr || ' ' || amr || ' ' || CASE WHEN auth_time = create_time THEN 'now' ELSE 'before' END \
         AS value FROM sessions";
    let first = Session { create_time: at(0), ..first };
    fixture.put_sessions(std::slice::from_ref(&first)).await;
    let mut outsider = fixture.database.outsider().await;
    assert_eq!(outsider.values(told).await, ["urn:ipse:aal:2 pwd,otp,mfa before"]);
    let second = Session { aal2_expire_time: None, ..rotated(&first, 101, at(9)) };
    assert!(rotate(&fixture, &second, 1).await);
    assert_eq!(outsider.values(told).await, ["urn:ipse:aal:1 pwd,otp now"]);
    assert_eq!(find(&fixture, &first).await, second);
}

async fn a_rotation_of_a_retired_token_changes_nothing(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    let first = session(&user(1), 1);
    fixture.put_sessions(std::slice::from_ref(&first)).await;
    let second = rotated(&first, 101, at(60));
    assert!(rotate(&fixture, &second, 1).await);
    assert!(!rotate(&fixture, &rotated(&first, 102, at(61)), 1).await);
    assert_eq!(find(&fixture, &first).await, second);
}

async fn a_rotation_of_an_ended_session_changes_nothing(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    let ended = Session { end: Some((at(9), EndReason::Logout)), ..session(&user(1), 1) };
    fixture.put_sessions(std::slice::from_ref(&ended)).await;
    assert!(!rotate(&fixture, &Session { end: None, ..rotated(&ended, 101, at(60)) }, 1).await);
    assert_eq!(find(&fixture, &ended).await, ended);
}

async fn of_parallel_rotations_exactly_one_succeeds(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    let first = session(&user(1), 1);
    fixture.put_sessions(std::slice::from_ref(&first)).await;
    let answers = in_parallel(&fixture.store, 32, |store, number| {
        let successor = rotated(&first, 100 + number, at(60));
        async move {
            let tx = store.write().await.unwrap();
            let rotated = tx.sessions().rotate_session(&successor, &digest(1)).await.unwrap();
            tx.commit().await.unwrap();
            rotated.then_some(successor)
        }
    });
    let winners: Vec<Session> = answers.await.into_iter().flatten().collect();
    assert_eq!(winners, [find(&fixture, &first).await]);
}

/// Three live sessions of the first person, an ended one and one that is idle for too long at 60 s; and a live one of
/// somebody else.
async fn put_mixed_sessions(fixture: &Fixture) -> [Session; 6] {
    fixture.put_users(&[user(1), user(2)]).await;
    let sessions = [
        session(&user(1), 1),
        session(&user(1), 2),
        session(&user(1), 3),
        Session { end: Some((at(9), EndReason::Logout)), ..session(&user(1), 4) },
        Session { idle_expire_time: at(60), ..session(&user(1), 5) },
        session(&user(2), 6),
    ];
    fixture.put_sessions(&sessions).await;
    sessions
}
