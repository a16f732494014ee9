use ipse::application::ports::{GrantsOf, StoreError};
use ipse::domain::access::role::{ADMINISTRATOR, RoleGrant};
use ipse::domain::account::service_account::ServiceAccount;
use ipse::domain::id::ServiceAccountId;
use ipse::domain::name::Description;

use super::samples::{HOSTILE, api_key, at, service_account};
use super::{Fixture, in_parallel};
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    an_account_comes_back
    a_name_is_taken_once
    a_change_of_a_stale_revision_changes_nothing
    a_change_to_a_taken_name_is_a_conflict
    accounts_are_listed_by_name_page_by_page
    an_account_goes_with_its_keys_and_grants
    of_parallel_changes_of_a_locked_account_none_is_lost
}

impl Fixture {
    /// Stores service accounts and commits.
    pub(super) async fn put_service_accounts(&self, accounts: &[ServiceAccount]) {
        let tx = self.write().await;
        for account in accounts {
            assert!(tx.service_accounts().insert_service_account(account).await.unwrap());
        }
        tx.commit().await.unwrap();
    }
}

async fn find(fixture: &Fixture, id: ServiceAccountId) -> Option<ServiceAccount> {
    fixture.read().await.service_accounts().find_service_account(id).await.unwrap()
}

async fn an_account_comes_back(fixture: Fixture) {
    let full = ServiceAccount {
        description: Description::parse(HOSTILE).unwrap(),
        disabled: true,
        update_time: at(1),
        revision: i64::from(u32::MAX) + 1,
        ..service_account(1)
    };
    fixture.put_service_accounts(&[full.clone(), service_account(2)]).await;
    let locked = fixture.write().await.service_accounts().lock_service_account(full.id).await.unwrap();
    assert_eq!((find(&fixture, full.id).await, locked), (Some(full.clone()), Some(full)));
    assert_eq!(find(&fixture, service_account(2).id).await, Some(service_account(2)));
    assert_eq!(find(&fixture, service_account(3).id).await, None);
    assert_eq!(fixture.read().await.service_accounts().count_service_accounts().await.unwrap(), 2);
}

async fn a_name_is_taken_once(fixture: Fixture) {
    fixture.put_service_accounts(&[service_account(1)]).await;
    let tx = fixture.write().await;
    let rival = ServiceAccount { name: service_account(1).name, ..service_account(2) };
    assert!(!tx.service_accounts().insert_service_account(&rival).await.unwrap());
    assert!(tx.service_accounts().insert_service_account(&service_account(3)).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(find(&fixture, rival.id).await, None);
    assert_eq!(find(&fixture, service_account(3).id).await, Some(service_account(3)));
}

async fn update(fixture: &Fixture, account: &ServiceAccount) -> Result<bool, StoreError> {
    let tx = fixture.write().await;
    let updated = tx.service_accounts().update_service_account(account).await?;
    tx.commit().await?;
    Ok(updated)
}

async fn a_change_of_a_stale_revision_changes_nothing(fixture: Fixture) {
    fixture.put_service_accounts(&[service_account(1), service_account(2)]).await;
    let changed = ServiceAccount { disabled: true, update_time: at(1), revision: 2, ..service_account(1) };
    assert!(update(&fixture, &changed).await.unwrap());
    assert!(!update(&fixture, &ServiceAccount { disabled: false, ..changed.clone() }).await.unwrap());
    assert_eq!(find(&fixture, changed.id).await, Some(changed));
    assert_eq!(find(&fixture, service_account(2).id).await, Some(service_account(2)));
}

async fn a_change_to_a_taken_name_is_a_conflict(fixture: Fixture) {
    fixture.put_service_accounts(&[service_account(1), service_account(2)]).await;
    let taken = ServiceAccount { name: service_account(1).name, revision: 2, ..service_account(2) };
    assert!(matches!(update(&fixture, &taken).await, Err(StoreError::Conflict(_))));
    assert_eq!(find(&fixture, taken.id).await, Some(service_account(2)));
}

async fn accounts_are_listed_by_name_page_by_page(fixture: Fixture) {
    fixture.put_service_accounts(&[4, 2, 0, 3, 1].map(service_account)).await;
    let (mut names, mut after) = (Vec::new(), None);
    loop {
        let tx = fixture.read().await;
        let page = tx.service_accounts().list_service_accounts(after.as_ref(), 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.name.clone());
        names.extend(page.into_iter().map(|account| account.name.as_str().to_owned()));
    }
    assert_eq!(names.join(" "), "service0 service1 service2 service3 service4");
}

async fn an_account_goes_with_its_keys_and_grants(fixture: Fixture) {
    let accounts = [service_account(1), service_account(2)];
    fixture.put_service_accounts(&accounts).await;
    let tx = fixture.write().await;
    for (number, account) in (0..).zip(&accounts) {
        tx.api_keys().insert_api_key(&api_key(account, number)).await.unwrap();
        let grant = RoleGrant { role_id: ADMINISTRATOR, subject: account.id.into(), create_time: at(0) };
        assert!(tx.roles().put_grant(&grant).await.unwrap());
    }
    tx.service_accounts().remove_service_account(accounts[0].id, at(1)).await.unwrap();
    tx.commit().await.unwrap();
    let tx = fixture.read().await;
    assert_eq!(tx.service_accounts().find_service_account(accounts[0].id).await.unwrap(), None);
    assert!(tx.api_keys().find_api_key_with_account(api_key(&accounts[0], 0).id).await.unwrap().is_none());
    assert!(tx.api_keys().find_api_key_with_account(api_key(&accounts[1], 1).id).await.unwrap().is_some());
    let grants = tx.roles().list_grants(GrantsOf::Role(ADMINISTRATOR), None, 9).await.unwrap();
    assert_eq!(grants.iter().map(|grant| grant.subject).collect::<Vec<_>>(), [accounts[1].id.into()]);
}

async fn of_parallel_changes_of_a_locked_account_none_is_lost(fixture: Fixture) {
    fixture.put_service_accounts(&[service_account(1)]).await;
    let changes = in_parallel(&fixture.store, 8, |store, _| async move {
        let tx = store.write().await.unwrap();
        let mut account = tx.service_accounts().lock_service_account(service_account(1).id).await.unwrap().unwrap();
        account.change(None, None, at(1));
        assert!(tx.service_accounts().update_service_account(&account).await.unwrap());
        tx.commit().await.unwrap();
    });
    changes.await;
    assert_eq!(find(&fixture, service_account(1).id).await.unwrap().revision, 9);
}
