use std::net::Ipv6Addr;

use ipse::application::ports::SessionPosition;
use ipse::domain::session::client::Client;
use ipse::domain::session::{EndReason, Session};

use super::{list, put_mixed_sessions};
use crate::contract::Fixture;
use crate::contract::samples::{TICK, at, session, user};
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    a_list_holds_the_live_sessions_of_one_person_newest_first
    all_that_is_on_record_is_listed_in_pages
    known_clients_are_those_of_the_newest_sessions_that_nobody_threw_out
    pages_hold_every_session_once_even_where_times_are_equal
    sessions_that_are_over_are_purged_in_batches
}

async fn a_list_holds_the_live_sessions_of_one_person_newest_first(fixture: Fixture) {
    let [first, second, third, _, idle, foreign] = put_mixed_sessions(&fixture).await;
    let live = [third, second, first];
    assert_eq!(list(&fixture, &user(1), at(60)).await, live);
    assert_eq!(list(&fixture, &user(1), at(60) - TICK).await[0], idle);
    assert_eq!(list(&fixture, &user(2), at(60)).await, [foreign]);
    assert_eq!(list(&fixture, &user(3), at(60)).await, []);
}

async fn all_that_is_on_record_is_listed_in_pages(fixture: Fixture) {
    let mixed = put_mixed_sessions(&fixture).await;
    let mut expected: Vec<Session> = mixed.into_iter().filter(|session| session.user_id == user(1).id).collect();
    expected.sort_by_key(|session| std::cmp::Reverse((session.create_time, session.id)));
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = fixture.read().await.sessions().list_all_sessions(user(1).id, (after, 2)).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(SessionPosition { create_time: last.create_time, id: last.id });
        listed.extend(page);
    }
    assert!(expected.len() > 3 && listed == expected, "{listed:?}");
}

async fn known_clients_are_those_of_the_newest_sessions_that_nobody_threw_out(fixture: Fixture) {
    use EndReason::{AccountClosed, Evicted, Logout, PasswordChanged, Revoked, TokenReuse};
    let client = |number: u32| Client::new(Ipv6Addr::from_bits(number.into()).into(), &format!("agent {number}"));
    fixture.put_users(&[user(1), user(2)]).await;
    let ends = [None, Some(Logout), Some(Revoked), Some(Evicted), Some(PasswordChanged), Some(TokenReuse)];
    let ends = ends.into_iter().chain([Some(AccountClosed)]);
    let mut sessions: Vec<Session> = (0..)
        .zip(ends)
        .map(|(number, reason)| Session {
            client: client(number),
            end: reason.map(|reason| (at(20), reason)),
            ..session(&user(1), number)
        })
        .collect();
    sessions.push(Session { client: client(7), idle_expire_time: at(10), ..session(&user(1), 7) });
    sessions.push(Session { client: client(8), ..session(&user(2), 8) });
    fixture.put_sessions(&sessions).await;
    let tx = fixture.read().await;
    for (limit, expected) in [(100, &[7, 3, 1, 0][..]), (4, &[7, 3, 1, 0]), (2, &[7, 3])] {
        let found = tx.sessions().known_clients(user(1).id, limit).await.unwrap();
        assert_eq!(found, expected.iter().map(|number| client(*number)).collect::<Vec<_>>());
    }
    assert_eq!(tx.sessions().known_clients(user(3).id, 100).await.unwrap(), []);
}

async fn pages_hold_every_session_once_even_where_times_are_equal(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    let same_time = |number: u32| Session { create_time: at(i64::from(number / 5)), ..session(&user(1), number) };
    let mut sessions: Vec<Session> = (0..17).map(same_time).collect();
    fixture.put_sessions(&sessions).await;
    sessions.sort_by_key(|session| (session.create_time, session.id));
    sessions.reverse();
    for limit in [1, 2, 3, 5, 16, 17, 18] {
        let mut walked = Vec::new();
        let tx = fixture.read().await;
        loop {
            let after =
                walked.last().map(|last: &Session| SessionPosition { create_time: last.create_time, id: last.id });
            let page = tx.sessions().list_sessions(user(1).id, at(60), (after, limit)).await.unwrap();
            if page.is_empty() {
                break;
            }
            assert!(page.len() <= usize::try_from(limit).unwrap());
            walked.extend(page);
        }
        assert_eq!(walked, sessions, "in pages of {limit}");
    }
}

async fn sessions_that_are_over_are_purged_in_batches(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    let over = [
        Session { expire_time: at(99), ..session(&user(1), 1) },
        Session { idle_expire_time: at(99), ..session(&user(1), 2) },
        Session { end: Some((at(99), EndReason::Logout)), ..session(&user(1), 3) },
    ];
    let kept = [
        Session { expire_time: at(100), ..session(&user(1), 4) },
        Session { idle_expire_time: at(100), ..session(&user(1), 5) },
        Session { end: Some((at(100), EndReason::Logout)), ..session(&user(1), 6) },
        session(&user(1), 7),
    ];
    fixture.put_sessions(&over).await;
    fixture.put_sessions(&kept).await;
    for expected in [2, 1, 0] {
        let tx = fixture.write().await;
        assert_eq!(tx.sessions().purge_sessions(at(100), 2).await.unwrap(), expected);
        tx.commit().await.unwrap();
    }
    let tx = fixture.read().await;
    for session in over {
        assert_eq!(tx.sessions().find_session(session.id).await.unwrap(), None);
    }
    for session in kept {
        assert_eq!(tx.sessions().find_session(session.id).await.unwrap(), Some(session));
    }
}
