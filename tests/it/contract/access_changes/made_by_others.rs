//! What other repositories do is a change of what tokens are worth, and they say so themselves.

use ipse::application::ports::UserInsert;
use ipse::domain::access::change::AccessChange;
use ipse::domain::access::permission::Rights;
use ipse::domain::access::role::{Role, RoleGrant};
use ipse::domain::access::subject::Subject;
use ipse::domain::account::service_account::ServiceAccount;
use ipse::domain::account::user::UserState;
use ipse::domain::id::{RoleId, SessionId};
use ipse::domain::name::Name;
use ipse::domain::session::EndReason;
use uuid::Uuid;

use super::all;
use crate::contract::samples::{api_key, at, service_account, session, user};
use crate::contract::{Fixture, in_parallel};
use crate::support::database::Backend;
use crate::support::on_both_backends;

on_both_backends! {
    with_sessions =>
    an_end_of_a_session_is_one
    an_end_of_all_sessions_is_one_for_each
    an_eviction_is_one_for_each
    an_erasure_of_a_person_is_one
}

on_both_backends! {
    Fixture::new =>
    a_change_of_rights_is_one
    a_revocation_of_a_key_is_one
    a_service_account_that_is_turned_away_is_one
}

/// Somebody with four sessions, of which one has ended and one is over.
async fn with_sessions(backend: Backend) -> Fixture {
    let fixture = Fixture::new(backend).await;
    fixture.put_users(&[user(1), user(2)]).await;
    let mut sessions: Vec<_> = (1..=4).map(|number| session(&user(1), number)).collect();
    sessions[2].end = Some((at(5), EndReason::Logout));
    sessions[3].expire_time = at(9);
    sessions.push(session(&user(2), 5));
    fixture.put_sessions(&sessions).await;
    fixture
}

fn id(number: u32) -> SessionId {
    session(&user(1), number).id
}

fn ended(number: u32) -> AccessChange {
    AccessChange::Session(*id(number).as_uuid())
}

async fn sorted(fixture: &Fixture) -> Vec<AccessChange> {
    let mut found = all(fixture).await;
    found.sort_by_key(|change| format!("{change:?}"));
    found
}

async fn an_end_of_a_session_is_one(fixture: Fixture) {
    let ends = in_parallel(&fixture.store, 4, |store, _| async move {
        let tx = store.write().await.unwrap();
        let mut ends = 0;
        for number in [1, 3, 4, 99] {
            ends += usize::from(tx.sessions().end_session(id(number), EndReason::Logout, at(10)).await.unwrap());
        }
        tx.commit().await.unwrap();
        ends
    });
    assert_eq!(ends.await.iter().sum::<usize>(), 1);
    assert_eq!(all(&fixture).await, [ended(1)]);
}

async fn an_end_of_all_sessions_is_one_for_each(fixture: Fixture) {
    let end = async |except| {
        let tx = fixture.write().await;
        let count = tx.sessions().end_sessions(user(1).id, except, (at(10), EndReason::Revoked)).await.unwrap();
        tx.commit().await.unwrap();
        count
    };
    assert_eq!(end(Some(id(1))).await, 1);
    assert_eq!(all(&fixture).await, [ended(2)]);
    assert_eq!((end(None).await, end(None).await), (1, 0));
    assert_eq!(sorted(&fixture).await, [ended(1), ended(2)]);
}

async fn an_eviction_is_one_for_each(fixture: Fixture) {
    let tx = fixture.write().await;
    assert_eq!(tx.sessions().evict_sessions(user(1).id, 1, at(8)).await.unwrap(), 2);
    assert_eq!(tx.sessions().evict_sessions(user(1).id, 1, at(8)).await.unwrap(), 0);
    tx.commit().await.unwrap();
    assert_eq!(sorted(&fixture).await, [ended(1), ended(2)]);
}

async fn an_erasure_of_a_person_is_one(fixture: Fixture) {
    let mut gone = user(3);
    (gone.state, gone.delete_time, gone.purge_time) = (UserState::Deleted, Some(at(1)), Some(at(2)));
    fixture.put_users(std::slice::from_ref(&gone)).await;
    let tx = fixture.write().await;
    tx.users().erase_user(user(1).id, at(10)).await.unwrap();
    tx.users().erase_user(user(1).id, at(11)).await.unwrap();
    assert_eq!(tx.users().purge_users(at(12), 9).await.unwrap(), [gone.id]);
    tx.commit().await.unwrap();
    let void = |number: u32, time| AccessChange::Subject { id: *user(number).id.as_uuid(), revoked_before: at(time) };
    assert_eq!(all(&fixture).await, [void(1, 10), void(3, 12)]);
}

async fn a_change_of_rights_is_one(fixture: Fixture) {
    let id = RoleId::from_uuid(Uuid::from_u128(1000));
    let mut role = Role::new(id, Name::parse("desk").unwrap(), Rights::default(), at(0));
    let (person, service) = (Subject::from(user(1).id), Subject::from(service_account(1).id));
    let grant = |subject| RoleGrant { role_id: id, subject, create_time: at(1) };
    let tx = fixture.write().await;
    assert_eq!(tx.users().insert_user(&user(1)).await.unwrap(), UserInsert::Inserted);
    assert!(tx.service_accounts().insert_service_account(&service_account(1)).await.unwrap());
    assert!(tx.roles().insert_role(&role).await.unwrap());
    for subject in [person, service] {
        assert!(!tx.roles().remove_grant(id, subject, at(1)).await.unwrap());
    }
    assert!(!tx.roles().update_role(&role).await.unwrap(), "the revision is not the next one");
    tx.commit().await.unwrap();
    assert_eq!(all(&fixture).await, []);
    let tx = fixture.write().await;
    for subject in [person, service] {
        assert!(tx.roles().put_grant(&grant(subject)).await.unwrap());
        assert!(!tx.roles().put_grant(&grant(subject)).await.unwrap());
    }
    role.revision += 1;
    assert!(tx.roles().update_role(&role).await.unwrap());
    for subject in [person, service] {
        assert!(tx.roles().remove_grant(id, subject, at(2)).await.unwrap());
    }
    tx.roles().remove_role(id, at(3)).await.unwrap();
    tx.roles().remove_role(id, at(3)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(all(&fixture).await, vec![AccessChange::Rights; 6]);
}

async fn a_revocation_of_a_key_is_one(fixture: Fixture) {
    let account = service_account(1);
    fixture.put_service_accounts(std::slice::from_ref(&account)).await;
    let tx = fixture.write().await;
    tx.api_keys().insert_api_key(&api_key(&account, 1)).await.unwrap();
    assert!(!tx.api_keys().revoke_api_key(api_key(&account, 2).id, at(1)).await.unwrap());
    assert!(tx.api_keys().revoke_api_key(api_key(&account, 1).id, at(1)).await.unwrap());
    assert!(!tx.api_keys().revoke_api_key(api_key(&account, 1).id, at(2)).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(all(&fixture).await, [AccessChange::Session(*api_key(&account, 1).id.as_uuid())]);
}

async fn a_service_account_that_is_turned_away_is_one(fixture: Fixture) {
    let (first, second) = (service_account(1), service_account(2));
    fixture.put_service_accounts(&[first.clone(), second.clone()]).await;
    let tx = fixture.write().await;
    let disabled = ServiceAccount { disabled: true, update_time: at(1), revision: 2, ..first.clone() };
    assert!(tx.service_accounts().update_service_account(&disabled).await.unwrap());
    assert!(!tx.service_accounts().update_service_account(&disabled).await.unwrap());
    let enabled = ServiceAccount { update_time: at(2), revision: 3, ..first.clone() };
    assert!(tx.service_accounts().update_service_account(&enabled).await.unwrap());
    tx.service_accounts().remove_service_account(second.id, at(3)).await.unwrap();
    tx.service_accounts().remove_service_account(second.id, at(4)).await.unwrap();
    tx.commit().await.unwrap();
    // A minute more: for calls that are not done yet, and for clocks that are ahead.
    let turned_away = |account: &ServiceAccount, time: i64| AccessChange::Subject {
        id: *account.id.as_uuid(),
        revoked_before: at(time + 60),
    };
    assert_eq!(all(&fixture).await, [turned_away(&first, 1), turned_away(&second, 3)]);
}
