use ipse::application::ports::{StoreError, UserInsert};
use ipse::domain::Timestamp;
use ipse::domain::access::role::{ADMINISTRATOR, RoleGrant};
use ipse::domain::account::email::EmailAddress;
use ipse::domain::account::user::{StateReason, User, UserState};
use ipse::domain::account::username::Username;

use super::samples::{TICK, at, complete_user, hash, session, user};
use super::{Fixture, in_parallel};
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    a_person_comes_back_with_nothing_missing
    every_state_comes_back
    every_form_of_an_address_finds_the_person
    a_username_is_found_in_any_case_and_never_as_a_pattern
    who_is_not_stored_is_not_found
    an_address_or_username_is_given_once
    a_deleted_account_keeps_its_names
    people_without_a_username_do_not_collide
    a_conflict_leaves_the_transaction_usable
    of_parallel_inserts_of_one_name_exactly_one_succeeds
    an_update_stores_everything_that_may_change
    an_update_may_clear_what_is_optional
    an_update_does_not_take_a_later_login_back
    an_update_of_a_stale_revision_changes_nothing
    an_update_of_an_unknown_person_changes_nothing
    of_parallel_updates_of_one_revision_exactly_one_succeeds
    a_login_is_recorded_without_a_new_revision
    a_change_to_a_taken_name_is_a_conflict
    many_people_are_found_at_once
    a_locked_person_waits_for_the_transaction
    a_person_is_erased_with_all_that_belongs_to_them
    people_whose_time_has_come_are_purged_in_batches
    a_deletion_that_is_taken_back_in_time_is_not_purged
    a_value_without_meaning_is_corrupt
}

async fn find(fixture: &Fixture, user: &User) -> Option<User> {
    fixture.read().await.users().find_user(user.id).await.unwrap()
}

async fn insert(fixture: &Fixture, user: &User) -> UserInsert {
    let tx = fixture.write().await;
    let insert = tx.users().insert_user(user).await.unwrap();
    tx.commit().await.unwrap();
    insert
}

async fn update(fixture: &Fixture, user: &User) -> bool {
    let tx = fixture.write().await;
    let updated = tx.users().update_user(user).await.unwrap();
    tx.commit().await.unwrap();
    updated
}

async fn record_login(fixture: &Fixture, time: Timestamp) {
    let tx = fixture.write().await;
    tx.users().record_login(user(1).id, time).await.unwrap();
    tx.commit().await.unwrap();
}

fn username(text: &str) -> Username {
    Username::parse(text).unwrap()
}

async fn a_person_comes_back_with_nothing_missing(fixture: Fixture) {
    for stored in [user(1), complete_user(2)] {
        fixture.put_users(std::slice::from_ref(&stored)).await;
        assert_eq!(find(&fixture, &stored).await.as_ref(), Some(&stored));
        assert_eq!(fixture.read().await.users().find_by_email(&stored.email).await.unwrap(), Some(stored));
    }
}

async fn every_state_comes_back(fixture: Fixture) {
    for (number, state) in (1..).zip([UserState::Pending, UserState::Active, UserState::Suspended, UserState::Deleted])
    {
        let stored = User { state, ..user(number) };
        fixture.put_users(std::slice::from_ref(&stored)).await;
        assert_eq!(find(&fixture, &stored).await, Some(stored));
    }
}

async fn every_form_of_an_address_finds_the_person(fixture: Fixture) {
    let written = ["O'Neil+Tag@Example.COM", "Post@BÜCHER.example"];
    let asked = ["o'neil+tag@example.com", "pOST@xn--bcher-kva.example"];
    for (number, (written, asked)) in (1..).zip(written.into_iter().zip(asked)) {
        let stored = User { email: EmailAddress::parse(written).unwrap(), ..user(number) };
        fixture.put_users(std::slice::from_ref(&stored)).await;
        let email = EmailAddress::parse(asked).unwrap();
        let found = fixture.read().await.users().find_by_email(&email).await.unwrap().unwrap();
        assert_eq!(found, stored);
        assert_eq!(found.email.written().split('@').next(), written.split('@').next());
        assert_eq!(found.email.written().split('@').nth(1), email.canonical().split('@').nth(1));
    }
}

async fn a_username_is_found_in_any_case_and_never_as_a_pattern(fixture: Fixture) {
    let stored = User { username: Some(username("Al_Ice")), ..user(1) };
    fixture.put_users(std::slice::from_ref(&stored)).await;
    let tx = fixture.read().await;
    for (asked, expected) in [("al_ice", Some(&stored)), ("AL_ICE", Some(&stored)), ("alxice", None)] {
        assert_eq!(tx.users().find_by_username(&username(asked)).await.unwrap().as_ref(), expected);
    }
}

async fn who_is_not_stored_is_not_found(fixture: Fixture) {
    fixture.put_users(&[complete_user(1)]).await;
    let stranger = complete_user(2);
    let tx = fixture.read().await;
    assert_eq!(tx.users().find_user(stranger.id).await.unwrap(), None);
    assert_eq!(tx.users().find_by_email(&stranger.email).await.unwrap(), None);
    assert_eq!(tx.users().find_by_username(&stranger.username.unwrap()).await.unwrap(), None);
}

async fn an_address_or_username_is_given_once(fixture: Fixture) {
    let first =
        User { email: EmailAddress::parse("alice@example.com").unwrap(), username: Some(username("alice")), ..user(1) };
    fixture.put_users(std::slice::from_ref(&first)).await;
    let same_address = EmailAddress::parse("ALICE@Example.com").unwrap();
    for rival in [
        User { email: same_address.clone(), ..user(2) },
        User { username: Some(username("ALICE")), ..user(3) },
        User { email: same_address, username: Some(username("alice")), ..user(4) },
    ] {
        assert_eq!(insert(&fixture, &rival).await, UserInsert::NameTaken);
        assert_eq!(find(&fixture, &rival).await, None);
    }
    assert_eq!(find(&fixture, &first).await, Some(first));
}

async fn a_deleted_account_keeps_its_names(fixture: Fixture) {
    let deleted = complete_user(1);
    assert_eq!(deleted.state, UserState::Deleted);
    fixture.put_users(std::slice::from_ref(&deleted)).await;
    assert_eq!(insert(&fixture, &User { email: deleted.email.clone(), ..user(2) }).await, UserInsert::NameTaken);
    assert_eq!(insert(&fixture, &User { username: deleted.username, ..user(3) }).await, UserInsert::NameTaken);
}

async fn people_without_a_username_do_not_collide(fixture: Fixture) {
    assert_eq!(insert(&fixture, &user(1)).await, UserInsert::Inserted);
    assert_eq!(insert(&fixture, &user(2)).await, UserInsert::Inserted);
}

async fn a_conflict_leaves_the_transaction_usable(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    let rival = User { email: user(1).email, ..user(2) };
    let tx = fixture.write().await;
    assert_eq!(tx.users().insert_user(&user(3)).await.unwrap(), UserInsert::Inserted);
    assert_eq!(tx.users().insert_user(&rival).await.unwrap(), UserInsert::NameTaken);
    assert_eq!(tx.users().insert_user(&user(2)).await.unwrap(), UserInsert::Inserted);
    tx.commit().await.unwrap();
    assert_eq!(find(&fixture, &rival).await, Some(user(2)));
    assert_eq!(find(&fixture, &user(3)).await, Some(user(3)));
}

async fn of_parallel_inserts_of_one_name_exactly_one_succeeds(fixture: Fixture) {
    let answers = in_parallel(&fixture.store, 16, |store, number| async move {
        let tx = store.write().await.unwrap();
        let rival = User { username: Some(username("alice")), ..user(number) };
        let insert = tx.users().insert_user(&rival).await.unwrap();
        tx.commit().await.unwrap();
        insert
    });
    let inserted = answers.await.into_iter().filter(|insert| *insert == UserInsert::Inserted).count();
    assert_eq!(inserted, 1);
}

async fn an_update_stores_everything_that_may_change(fixture: Fixture) {
    fixture.put_users(&[user(1), user(2)]).await;
    let changed = User {
        email: EmailAddress::parse("New@Example.com").unwrap(),
        last_login_time: None,
        revision: 2,
        ..complete_user(1)
    };
    assert!(update(&fixture, &changed).await);
    assert_eq!(find(&fixture, &changed).await, Some(changed));
    assert_eq!(find(&fixture, &user(2)).await, Some(user(2)));
}

async fn an_update_may_clear_what_is_optional(fixture: Fixture) {
    let complete = User { last_login_time: None, revision: 1, ..complete_user(1) };
    fixture.put_users(std::slice::from_ref(&complete)).await;
    let cleared = User { revision: 2, ..user(1) };
    assert!(update(&fixture, &cleared).await);
    assert_eq!(find(&fixture, &cleared).await, Some(cleared));
}

async fn an_update_does_not_take_a_later_login_back(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    let read_before = find(&fixture, &user(1)).await.unwrap();
    record_login(&fixture, at(60)).await;
    assert!(update(&fixture, &User { revision: 2, ..read_before }).await);
    assert_eq!(find(&fixture, &user(1)).await.unwrap().last_login_time, Some(at(60)));
}

async fn an_update_of_a_stale_revision_changes_nothing(fixture: Fixture) {
    let stored = User { revision: 7, ..user(1) };
    fixture.put_users(std::slice::from_ref(&stored)).await;
    for revision in [1, 6, 7, 9] {
        assert!(!update(&fixture, &User { revision, ..complete_user(1) }).await, "{revision}");
        assert_eq!(find(&fixture, &stored).await.as_ref(), Some(&stored));
    }
}

async fn an_update_of_an_unknown_person_changes_nothing(fixture: Fixture) {
    let stranger = User { revision: 2, ..user(1) };
    assert!(!update(&fixture, &stranger).await);
    assert_eq!(find(&fixture, &stranger).await, None);
}

async fn of_parallel_updates_of_one_revision_exactly_one_succeeds(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    let updated = in_parallel(&fixture.store, 16, |store, number| async move {
        let tx = store.write().await.unwrap();
        let state_reason = StateReason::parse(&number.to_string()).unwrap();
        let changed = User { state_reason, revision: 2, ..user(1) };
        let updated = tx.users().update_user(&changed).await.unwrap();
        tx.commit().await.unwrap();
        updated.then_some(changed)
    });
    let winners: Vec<User> = updated.await.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(find(&fixture, &user(1)).await.as_ref(), winners.first());
}

async fn a_login_is_recorded_without_a_new_revision(fixture: Fixture) {
    fixture.put_users(&[user(1), user(2)]).await;
    for time in [at(5) + TICK, at(9)] {
        record_login(&fixture, time).await;
        assert_eq!(find(&fixture, &user(1)).await, Some(User { last_login_time: Some(time), ..user(1) }));
    }
    assert_eq!(find(&fixture, &user(2)).await, Some(user(2)));
}

async fn a_change_to_a_taken_name_is_a_conflict(fixture: Fixture) {
    fixture.put_users(&[user(1), user(2)]).await;
    let tx = fixture.write().await;
    let taken = User { email: user(1).email, revision: 2, ..user(2) };
    assert!(matches!(tx.users().update_user(&taken).await, Err(StoreError::Conflict(_))));
    drop(tx);
    assert_eq!(find(&fixture, &user(2)).await, Some(user(2)));
}

async fn many_people_are_found_at_once(fixture: Fixture) {
    fixture.put_users(&[user(1), complete_user(2), user(3)]).await;
    let tx = fixture.read().await;
    // As many as a call may name, and more than some limits on parameters.
    let ids: Vec<_> = (2..1002).map(|number| user(number).id).collect();
    let mut found = tx.users().find_users(&ids).await.unwrap();
    found.sort_by_key(|user| user.id);
    assert_eq!(found, [complete_user(2), user(3)]);
    let twice = [user(1).id, user(1).id];
    assert_eq!(tx.users().find_users(&twice).await.unwrap(), [user(1)]);
    assert_eq!(tx.users().find_users(&[]).await.unwrap(), []);
}

async fn a_locked_person_waits_for_the_transaction(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    let counted = in_parallel(&fixture.store, 8, |store, _| async move {
        let tx = store.write().await.unwrap();
        let mut person = tx.users().lock_user(user(1).id).await.unwrap().unwrap();
        person.revision += 1;
        assert!(tx.users().update_user(&person).await.unwrap(), "nobody came between");
        tx.commit().await.unwrap();
    });
    counted.await;
    assert_eq!(find(&fixture, &user(1)).await.unwrap().revision, 9);
    let tx = fixture.write().await;
    assert_eq!(tx.users().lock_user(user(2).id).await.unwrap(), None);
}

async fn a_person_is_erased_with_all_that_belongs_to_them(fixture: Fixture) {
    fixture.put_users(&[user(1), user(2)]).await;
    fixture.put_sessions(&[session(&user(1), 1), session(&user(2), 2)]).await;
    let tx = fixture.write().await;
    for person in [user(1), user(2)] {
        tx.credentials().put_password(person.id, &hash(1), at(0)).await.unwrap();
        let grant = RoleGrant { role_id: ADMINISTRATOR, subject: person.id.into(), create_time: at(0) };
        tx.roles().put_grant(&grant).await.unwrap();
    }
    tx.users().erase_user(user(1).id, at(9)).await.unwrap();
    tx.users().erase_user(user(3).id, at(9)).await.unwrap();
    tx.commit().await.unwrap();
    let tx = fixture.read().await;
    assert_eq!(tx.users().find_user(user(1).id).await.unwrap(), None);
    assert_eq!(tx.sessions().find_session(session(&user(1), 1).id).await.unwrap(), None);
    assert!(tx.credentials().find_password(user(1).id).await.unwrap().is_none());
    assert_eq!(tx.roles().roles_of(user(1).id.into()).await.unwrap(), []);
    assert_eq!(tx.users().find_user(user(2).id).await.unwrap(), Some(user(2)));
    assert!(tx.sessions().find_session(session(&user(2), 2).id).await.unwrap().is_some());
    assert!(tx.credentials().find_password(user(2).id).await.unwrap().is_some());
    assert_eq!(tx.roles().roles_of(user(2).id.into()).await.unwrap().len(), 1);
}

/// The one who purges finds the row due, then waits for the one who takes the deletion back.
async fn a_deletion_that_is_taken_back_in_time_is_not_purged(fixture: Fixture) {
    let leaving = User { purge_time: Some(at(1)), ..user(1) };
    fixture.put_users(std::slice::from_ref(&leaving)).await;
    let restoring = fixture.write().await;
    assert!(restoring.users().update_user(&User { revision: 2, ..user(1) }).await.unwrap());
    let store = fixture.store.clone();
    let purging = tokio::spawn(async move {
        let tx = store.write().await.unwrap();
        let purged = tx.users().purge_users(at(2), 10).await.unwrap();
        tx.commit().await.unwrap();
        purged
    });
    fixture.until_somebody_waits().await;
    restoring.commit().await.unwrap();
    assert_eq!(purging.await.unwrap(), []);
    assert!(find(&fixture, &user(1)).await.is_some());
}

async fn people_whose_time_has_come_are_purged_in_batches(fixture: Fixture) {
    let leaving = |number: u32| User { purge_time: Some(at(i64::from(number))), ..user(number) };
    fixture.put_users(&(1..=5).map(leaving).collect::<Vec<_>>()).await;
    fixture.put_users(&[user(6)]).await;
    for expected in [&[1, 2][..], &[3, 4], &[]] {
        let tx = fixture.write().await;
        let mut purged = tx.users().purge_users(at(4), 2).await.unwrap();
        purged.sort();
        assert_eq!(purged, expected.iter().map(|number| user(*number).id).collect::<Vec<_>>());
        tx.commit().await.unwrap();
    }
    assert_eq!(find(&fixture, &user(4)).await, None);
    assert_eq!(find(&fixture, &user(5)).await, Some(leaving(5)));
    assert_eq!(find(&fixture, &user(6)).await, Some(user(6)));
}

async fn a_value_without_meaning_is_corrupt(fixture: Fixture) {
    for (number, change) in
        (1..).zip(["state = 'unheard_of'", "username = username || '@'", "locale = '!'", "email_written = 'nowhere'"])
    {
        let stored = complete_user(number);
        fixture.put_users(std::slice::from_ref(&stored)).await;
        fixture.execute(&format!("UPDATE users SET {change}")).await;
        let found = fixture.read().await.users().find_user(stored.id).await;
        assert!(matches!(found, Err(StoreError::Corrupt(_))), "{change}: {found:?}");
    }
}
