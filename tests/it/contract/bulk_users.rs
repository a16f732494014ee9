use std::collections::HashSet;

use ipse::application::ports::StoredUser;
use ipse::domain::account::email::EmailAddress;
use ipse::domain::account::user::User;
use ipse::domain::account::user_record::{Stated, UserRecord};
use ipse::domain::account::username::Username;
use ipse::domain::id::UserId;

use super::samples::{at, complete_user, hash, service_account, user};
use super::{Fixture, in_parallel};
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    people_come_back_with_nothing_missing
    people_with_and_without_passwords_are_stored
    the_largest_batch_is_stored
    who_is_stored_already_stands_in_the_way
    who_stands_before_stands_in_the_way
    what_is_not_committed_is_not_stored
    rivals_share_something_unique
    hashes_keep_the_order_of_people
    of_parallel_batches_each_person_is_stored_once
    ids_of_services_and_of_the_erased_are_used
}

fn record(user: User, number: Option<u32>) -> UserRecord {
    UserRecord { user, stated: Stated::default(), password_hash: number.map(hash), factors: Vec::new() }
}

async fn insert(fixture: &Fixture, records: &[UserRecord]) -> HashSet<UserId> {
    let tx = fixture.write().await;
    let stored = tx.bulk_users().insert_records(&records.iter().collect::<Vec<_>>()).await.unwrap();
    tx.commit().await.unwrap();
    stored
}

/// What is stored of each of these ids.
async fn stored(fixture: &Fixture, users: &[&User]) -> Vec<Option<StoredUser>> {
    let tx = fixture.read().await;
    let mut found = Vec::new();
    for user in users {
        let password = tx.credentials().find_password(user.id).await.unwrap();
        let user = tx.users().find_user(user.id).await.unwrap();
        found.push(user.map(|user| (user, password.map(|password| password.hash))));
    }
    found
}

/// The person of one number with the names of another.
fn named_like(number: u32, other: &User) -> User {
    User { email: other.email.clone(), username: other.username.clone(), ..user(number) }
}

fn with_username(number: u32, name: &str) -> User {
    User { username: Some(Username::parse(name).unwrap()), ..user(number) }
}

async fn people_come_back_with_nothing_missing(fixture: Fixture) {
    let records = [record(user(1), Some(1)), record(complete_user(2), Some(2)), record(user(3), None)];
    let ids: HashSet<UserId> = records.iter().map(|record| record.user.id).collect();
    assert_eq!(insert(&fixture, &records).await, ids);
    let users: Vec<&User> = records.iter().map(|record| &record.user).collect();
    let expected: Vec<_> =
        records.iter().map(|record| Some((record.user.clone(), record.password_hash.clone()))).collect();
    assert_eq!(stored(&fixture, &users).await, expected);
}

async fn people_with_and_without_passwords_are_stored(fixture: Fixture) {
    assert_eq!(insert(&fixture, &[record(user(1), None)]).await.len(), 1);
    assert_eq!(insert(&fixture, &[record(user(2), Some(2))]).await.len(), 1);
    let password = fixture.read().await.credentials().find_password(user(2).id).await.unwrap().unwrap();
    assert_eq!((password.hash, password.failures), (hash(2), 0));
    assert_eq!(fixture.read().await.credentials().find_password(user(1).id).await.unwrap(), None);
}

async fn the_largest_batch_is_stored(fixture: Fixture) {
    let records: Vec<UserRecord> = (0..500).map(|number| record(complete_user(number), Some(number))).collect();
    assert_eq!(insert(&fixture, &records).await.len(), 500);
    let users: Vec<&User> = records.iter().map(|record| &record.user).collect();
    let found = fixture.read().await.bulk_users().find_rivals(&users).await.unwrap();
    assert_eq!(found.len(), 500);
    assert!(found.iter().all(|(_, hash)| hash.is_some()));
    assert!(insert(&fixture, &records).await.is_empty());
}

async fn who_is_stored_already_stands_in_the_way(fixture: Fixture) {
    let first = with_username(1, "first");
    insert(&fixture, &[record(first.clone(), Some(1))]).await;
    let same_id = User { id: first.id, ..user(2) };
    let same_email = User { email: EmailAddress::parse("PERSON1@example.com").unwrap(), ..user(3) };
    let same_name = with_username(4, "First");
    let free = with_username(5, "fifth");
    let records = [same_id, same_email, same_name, free.clone()].map(|user| record(user, Some(9)));
    assert_eq!(insert(&fixture, &records).await, HashSet::from([free.id]));
    let expected = [Some((first.clone(), Some(hash(1)))), None, None, Some((free.clone(), Some(hash(9))))];
    assert_eq!(stored(&fixture, &[&first, &user(3), &user(4), &free]).await, expected);
}

async fn who_stands_before_stands_in_the_way(fixture: Fixture) {
    let (first, second) = (with_username(1, "first"), with_username(2, "second"));
    let records = [first.clone(), named_like(3, &first), with_username(4, "first"), second.clone()]
        .map(|user| record(user, None));
    assert_eq!(insert(&fixture, &records).await, HashSet::from([first.id, second.id]));
}

async fn what_is_not_committed_is_not_stored(fixture: Fixture) {
    let tx = fixture.write().await;
    let people = record(user(1), Some(1));
    assert_eq!(tx.bulk_users().insert_records(&[&people]).await.unwrap().len(), 1);
    drop(tx);
    fixture.settle().await;
    assert_eq!(stored(&fixture, &[&user(1)]).await, [None]);
    assert_eq!(insert(&fixture, &[people]).await.len(), 1);
}

async fn rivals_share_something_unique(fixture: Fixture) {
    let people = [with_username(1, "first"), with_username(2, "second"), user(3), complete_user(4)];
    insert(&fixture, &people.clone().map(|user| record(user, Some(7)))).await;
    let seekers =
        [User { id: people[2].id, ..user(10) }, named_like(11, &people[1]), with_username(12, "FIRST"), user(13)];
    let mut found = fixture.read().await.bulk_users().find_rivals(&seekers.iter().collect::<Vec<_>>()).await.unwrap();
    found.sort_by_key(|(user, _)| user.id);
    let [first, second, third, _] = people;
    assert_eq!(found, [first, second, third].map(|user| (user, Some(hash(7)))));
}

async fn hashes_keep_the_order_of_people(fixture: Fixture) {
    insert(&fixture, &[record(user(1), Some(1)), record(user(2), None), record(user(3), Some(3))]).await;
    let people = vec![user(3), user(2), user(1), user(4)];
    let found = fixture.read().await.bulk_users().with_hashes(people).await.unwrap();
    assert_eq!(found, [(user(3), Some(hash(3))), (user(2), None), (user(1), Some(hash(1))), (user(4), None)]);
    assert_eq!(fixture.read().await.bulk_users().with_hashes(vec![]).await.unwrap(), []);
}

/// Each batch has all addresses, under ids of its own. The order is the same, so that nobody waits for each other.
async fn of_parallel_batches_each_person_is_stored_once(fixture: Fixture) {
    let stored = in_parallel(&fixture.store, 4, |store, batch| async move {
        let records: Vec<UserRecord> = (0..20)
            .map(|number| record(User { id: user(100 * (batch + 1) + number).id, ..user(number) }, Some(batch)))
            .collect();
        let tx = store.write().await.unwrap();
        let stored = tx.bulk_users().insert_records(&records.iter().collect::<Vec<_>>()).await.unwrap();
        tx.commit().await.unwrap();
        stored.len()
    })
    .await;
    assert_eq!(stored.iter().sum::<usize>(), 20);
    let everybody = (0..20).map(user).collect::<Vec<_>>();
    let found = fixture.read().await.bulk_users().find_rivals(&everybody.iter().collect::<Vec<_>>()).await.unwrap();
    assert_eq!(found.len(), 20);
    assert!(found.iter().all(|(_, hash)| hash.is_some()));
}

async fn ids_of_services_and_of_the_erased_are_used(fixture: Fixture) {
    let account = service_account(1);
    fixture.put_users(&[user(1), user(2)]).await;
    let tx = fixture.write().await;
    tx.service_accounts().insert_service_account(&account).await.unwrap();
    tx.users().erase_user(user(1).id, at(0)).await.unwrap();
    tx.commit().await.unwrap();
    let service = UserId::from_uuid(*account.id.as_uuid());
    let ids = [user(1).id, user(2).id, user(3).id, service];
    let used = fixture.read().await.bulk_users().find_used_ids(&ids).await.unwrap();
    // Of people who are there, the names tell.
    assert_eq!(used, HashSet::from([user(1).id, service]));
    let tx = fixture.write().await;
    tx.service_accounts().remove_service_account(account.id, at(0)).await.unwrap();
    tx.commit().await.unwrap();
    let used = fixture.read().await.bulk_users().find_used_ids(&ids).await.unwrap();
    assert_eq!(used, HashSet::from([user(1).id, service]));
}
