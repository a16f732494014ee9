use std::sync::Arc;

use ipse::application::ports::{Store, UserInsert};
use ipse::domain::account::email::EmailAddress;
use ipse::domain::account::user::{User, UserState};
use ipse::domain::listing::user_filter::UserFilter;
use tokio::sync::mpsc;

use super::{Fixture, ORDERS, page, sorted, walk};
use crate::contract::samples::{at, user};
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    a_walk_meets_everybody_once_while_others_come_and_change
    pages_of_every_size_hold_everybody_once
    a_list_of_nobody_is_empty
}

const PEOPLE: u32 = 2_500;

/// The person of this number: hundreds share one time, and neither the addresses nor the ids follow the times.
fn person(number: u32) -> User {
    let scattered = number.wrapping_mul(2_654_435_761);
    User {
        email: EmailAddress::parse(&format!("{scattered:08x}@example.com")).unwrap(),
        create_time: at(i64::from(scattered % 7)),
        state: [UserState::Pending, UserState::Active, UserState::Suspended, UserState::Deleted][number as usize % 4],
        ..user(scattered)
    }
}

async fn a_walk_meets_everybody_once_while_others_come_and_change(fixture: Fixture) {
    let first: Vec<User> = (0..PEOPLE).map(person).collect();
    fixture.put_users(&first).await;
    let mut newcomers = PEOPLE;
    for order in ORDERS {
        let (tell, mut told) = mpsc::channel(1);
        let disturbance = tokio::spawn(disturb(Arc::clone(&fixture.store), newcomers, tell));
        let mut walked: Vec<User> = Vec::new();
        loop {
            let page = page(&fixture, &UserFilter::default(), order, (walked.last(), 100)).await;
            if page.is_empty() {
                break;
            }
            walked.extend(page);
            told.recv().await.expect("people still come");
        }
        drop(told);
        newcomers = disturbance.await.unwrap();
        let keys = |users: Vec<User>| users.into_iter().map(|user| user.id).collect::<Vec<_>>();
        assert_eq!(keys(walked.clone()), keys(sorted(walked.clone(), order)), "{order:?}");
        let mut ids = keys(walked.clone());
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), walked.len(), "{order:?}: somebody was met twice");
        walked.retain(|met| first.iter().any(|user| user.id == met.id));
        assert_eq!(keys(walked), keys(sorted(first.clone(), order)), "{order:?}: somebody was missed");
    }
    assert!(newcomers >= PEOPLE + 4 * 25, "{newcomers}");
}

/// Adds people and changes the states of others until nobody listens. The number of the next newcomer.
async fn disturb(store: Arc<dyn Store>, mut number: u32, tell: mpsc::Sender<()>) -> u32 {
    loop {
        let tx = store.write().await.unwrap();
        assert_eq!(tx.users().insert_user(&person(number)).await.unwrap(), UserInsert::Inserted);
        for changed in [number % PEOPLE, number * 7 % PEOPLE] {
            let mut user = tx.users().find_user(person(changed).id).await.unwrap().unwrap();
            user.state = person(changed + number).state;
            user.revision += 1;
            assert!(tx.users().update_user(&user).await.unwrap());
        }
        tx.commit().await.unwrap();
        number += 1;
        if tell.send(()).await.is_err() {
            return number;
        }
    }
}

async fn pages_of_every_size_hold_everybody_once(fixture: Fixture) {
    let people: Vec<User> = (0..50).map(person).collect();
    fixture.put_users(&people).await;
    for order in ORDERS {
        let expected = sorted(people.clone(), order);
        for limit in [1, 2, 7, 49, 50, 51] {
            assert_eq!(walk(&fixture, &UserFilter::default(), order, limit).await, expected, "{order:?} {limit}");
        }
    }
}

async fn a_list_of_nobody_is_empty(fixture: Fixture) {
    for order in ORDERS {
        assert_eq!(walk(&fixture, &UserFilter::default(), order, 10).await, []);
    }
}
