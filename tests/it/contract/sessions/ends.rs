use ipse::domain::account::user::{User, UserState};
use ipse::domain::session::challenge::Challenge;
use ipse::domain::session::{EndReason, Session};

use super::{end, find, list, put_mixed_sessions};
use crate::contract::samples::{TICK, at, challenge, session, user};
use crate::contract::{Fixture, in_parallel};
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    a_live_session_ends_once
    a_session_whose_time_is_over_was_not_live
    of_parallel_ends_exactly_one_succeeds
    all_live_sessions_of_a_person_end_but_one
    all_live_sessions_of_a_person_end
    challenges_end_with_all_sessions_of_a_person_and_not_with_one
    sessions_and_challenges_of_people_without_a_proven_address_end
    eviction_keeps_the_newest
    parallel_sign_ins_keep_the_limit_together
}

async fn a_live_session_ends_once(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    let (stored, bystander) = (session(&user(1), 1), session(&user(1), 2));
    fixture.put_sessions(&[stored.clone(), bystander.clone()]).await;
    assert!(end(&fixture, &stored, EndReason::TokenReuse, at(60) + TICK).await);
    assert!(!end(&fixture, &stored, EndReason::Logout, at(61)).await);
    let ended = Session { end: Some((at(60) + TICK, EndReason::TokenReuse)), ..stored };
    assert_eq!(find(&fixture, &ended).await, ended);
    assert_eq!(find(&fixture, &bystander).await, bystander);
}

async fn a_session_whose_time_is_over_was_not_live(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    let expired = Session { expire_time: at(60), ..session(&user(1), 1) };
    let idle = Session { idle_expire_time: at(60), ..session(&user(1), 2) };
    for stored in [expired, idle] {
        fixture.put_sessions(std::slice::from_ref(&stored)).await;
        assert!(!end(&fixture, &stored, EndReason::Logout, at(60)).await);
        assert!(end(&fixture, &stored, EndReason::Logout, at(60) - TICK).await);
    }
}

async fn of_parallel_ends_exactly_one_succeeds(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    fixture.put_sessions(&[session(&user(1), 1)]).await;
    let ended = in_parallel(&fixture.store, 16, |store, _| async move {
        let tx = store.write().await.unwrap();
        let ended = tx.sessions().end_session(session(&user(1), 1).id, EndReason::Logout, at(60)).await.unwrap();
        tx.commit().await.unwrap();
        ended
    });
    assert_eq!(ended.await.into_iter().filter(|ended| *ended).count(), 1);
}

async fn all_live_sessions_of_a_person_end_but_one(fixture: Fixture) {
    let [first, kept, third, ended, idle, foreign] = put_mixed_sessions(&fixture).await;
    let tx = fixture.write().await;
    let how = (at(60), EndReason::PasswordChanged);
    assert_eq!(tx.sessions().end_sessions(user(1).id, Some(kept.id), how).await.unwrap(), 2);
    tx.commit().await.unwrap();
    for session in [first, third] {
        assert_eq!(find(&fixture, &session).await.end, Some(how));
    }
    for session in [kept, ended, foreign] {
        assert_eq!(find(&fixture, &session).await, session);
    }
    assert!(!find(&fixture, &idle).await.is_live(at(60)));
}

async fn all_live_sessions_of_a_person_end(fixture: Fixture) {
    let [_, _, _, ended, _, foreign] = put_mixed_sessions(&fixture).await;
    let tx = fixture.write().await;
    let how = (at(60), EndReason::Revoked);
    assert_eq!(tx.sessions().end_sessions(user(1).id, None, how).await.unwrap(), 3);
    assert_eq!(tx.sessions().end_sessions(user(1).id, None, how).await.unwrap(), 0);
    tx.commit().await.unwrap();
    assert_eq!(list(&fixture, &user(1), at(60)).await, []);
    assert_eq!(list(&fixture, &user(2), at(60)).await, [foreign]);
    assert_eq!(find(&fixture, &ended).await, ended);
}

async fn challenges_end_with_all_sessions_of_a_person_and_not_with_one(fixture: Fixture) {
    let [first, second, ..] = put_mixed_sessions(&fixture).await;
    let of = |owner, number| Challenge { user_id: owner, ..challenge(number) };
    let (mine, theirs) = (Some(user(1).id), Some(user(2).id));
    fixture.put_challenges(&[of(mine, 1), of(mine, 2), of(theirs, 3), of(None, 4)]).await;
    assert!(end(&fixture, &first, EndReason::Logout, at(9)).await);
    assert_eq!(fixture.count("challenges").await, 4);
    let tx = fixture.write().await;
    tx.sessions().end_sessions(user(1).id, Some(second.id), (at(9), EndReason::Revoked)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(fixture.count("challenges").await, 2);
    let tx = fixture.write().await;
    let ended = tx.sessions().end_sessions(user(2).id, None, (at(60 * 60 * 24 * 100), EndReason::Revoked)).await;
    assert_eq!(ended.unwrap(), 0, "none is live any more");
    tx.commit().await.unwrap();
    assert_eq!(fixture.count("challenges").await, 1, "that of nobody");
}

async fn sessions_and_challenges_of_people_without_a_proven_address_end(fixture: Fixture) {
    let active = User { state: UserState::Active, ..user(3) };
    fixture.put_users(&[user(1), user(2), active.clone()]).await;
    let sessions = [session(&user(1), 1), session(&user(1), 2), session(&active, 3)];
    fixture.put_sessions(&sessions).await;
    for (owner, number) in [(1, 1), (2, 2), (3, 3)] {
        fixture.put_challenges(&[Challenge { user_id: Some(user(owner).id), ..challenge(number) }]).await;
    }
    for expected in [1, 1, 0] {
        let tx = fixture.write().await;
        let how = (at(9), EndReason::Revoked);
        assert_eq!(tx.sessions().end_unproven_sessions(how, 1).await.unwrap(), expected);
        tx.commit().await.unwrap();
        assert_eq!(fixture.count("challenges").await, 1, "that of the active person");
    }
    assert_eq!(list(&fixture, &user(1), at(9)).await, []);
    assert_eq!(list(&fixture, &active, at(9)).await, [sessions[2].clone()]);
}

async fn eviction_keeps_the_newest(fixture: Fixture) {
    let [first, second, third, ended, _, foreign] = put_mixed_sessions(&fixture).await;
    let tx = fixture.write().await;
    assert_eq!(tx.sessions().evict_sessions(user(1).id, 3, at(60)).await.unwrap(), 0);
    assert_eq!(tx.sessions().evict_sessions(user(1).id, 1, at(60)).await.unwrap(), 2);
    assert_eq!(tx.sessions().evict_sessions(user(1).id, 1, at(61)).await.unwrap(), 0);
    tx.commit().await.unwrap();
    for session in [first, second] {
        assert_eq!(find(&fixture, &session).await.end, Some((at(60), EndReason::Evicted)));
    }
    for session in [third, ended, foreign] {
        assert_eq!(find(&fixture, &session).await, session);
    }
}

async fn parallel_sign_ins_keep_the_limit_together(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    in_parallel(&fixture.store, 16, |store, number| async move {
        let tx = store.write().await.unwrap();
        tx.sessions().insert_session(&session(&user(1), number)).await.unwrap();
        tx.sessions().evict_sessions(user(1).id, 5, at(60)).await.unwrap();
        tx.commit().await.unwrap();
    })
    .await;
    assert_eq!(list(&fixture, &user(1), at(60)).await.len(), 5);
}
