use ipse::domain::Timestamp;
use ipse::domain::account::profile::DisplayName;
use ipse::domain::account::service_account::ServiceAccount;
use ipse::domain::credential::api_key::{ApiKey, parse_scopes};
use time::Duration;

use super::samples::{HOSTILE, TICK, api_key, at, service_account};
use super::{Fixture, in_parallel};
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    a_key_comes_back_with_its_account
    keys_are_listed_newest_first_page_by_page
    keys_that_are_revoked_or_expired_do_not_count_as_live
    a_key_is_revoked_once
    a_use_is_written_down_if_it_is_news
    of_parallel_uses_one_is_written_down
    keys_that_are_over_are_purged_in_batches
}

async fn put_keys(fixture: &Fixture, keys: &[ApiKey]) {
    let tx = fixture.write().await;
    for key in keys {
        tx.api_keys().insert_api_key(key).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn find(fixture: &Fixture, key: &ApiKey) -> Option<(ApiKey, ServiceAccount)> {
    fixture.read().await.api_keys().find_api_key_with_account(key.id).await.unwrap()
}

async fn a_key_comes_back_with_its_account(fixture: Fixture) {
    let (account, other) = (service_account(1), service_account(2));
    fixture.put_service_accounts(&[account.clone(), other.clone()]).await;
    let full = ApiKey {
        display_name: DisplayName::parse(HOSTILE).unwrap(),
        scope: parse_scopes(&["orders.*", "users.read"]).unwrap(),
        last_used_time: Some(at(1)),
        revoke_time: Some(at(2)),
        ..api_key(&account, 1)
    };
    let bare = api_key(&other, 2);
    put_keys(&fixture, &[full.clone(), bare.clone()]).await;
    assert_eq!(find(&fixture, &full).await, Some((full, account.clone())));
    assert_eq!(find(&fixture, &bare).await, Some((bare, other)));
    assert_eq!(find(&fixture, &api_key(&account, 3)).await, None);
}

async fn keys_are_listed_newest_first_page_by_page(fixture: Fixture) {
    let (account, other) = (service_account(1), service_account(2));
    fixture.put_service_accounts(&[account.clone(), other.clone()]).await;
    let keys: Vec<ApiKey> = (0..5).map(|number| api_key(&account, number)).collect();
    put_keys(&fixture, &keys).await;
    put_keys(&fixture, &[api_key(&other, 9)]).await;
    let (mut listed, mut after) = (Vec::<ApiKey>::new(), None);
    loop {
        let page = fixture.read().await.api_keys().list_api_keys(account.id, (after, 2)).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        listed.extend(page);
    }
    assert_eq!(listed, keys.into_iter().rev().collect::<Vec<_>>());
}

async fn count(fixture: &Fixture, account: &ServiceAccount, now: Timestamp) -> i64 {
    fixture.read().await.api_keys().count_live_api_keys(account.id, now).await.unwrap()
}

async fn keys_that_are_revoked_or_expired_do_not_count_as_live(fixture: Fixture) {
    let (account, other) = (service_account(1), service_account(2));
    fixture.put_service_accounts(&[account.clone(), other.clone()]).await;
    let revoked = ApiKey { revoke_time: Some(at(0)), ..api_key(&account, 0) };
    let short = ApiKey { expire_time: at(10), ..api_key(&account, 1) };
    put_keys(&fixture, &[revoked, short, api_key(&account, 2), api_key(&other, 3)]).await;
    assert_eq!(count(&fixture, &account, at(10) - TICK).await, 2);
    assert_eq!(count(&fixture, &account, at(10)).await, 1);
    assert_eq!(count(&fixture, &service_account(3), at(0)).await, 0);
}

async fn a_key_is_revoked_once(fixture: Fixture) {
    let account = service_account(1);
    fixture.put_service_accounts(std::slice::from_ref(&account)).await;
    put_keys(&fixture, &[api_key(&account, 1), api_key(&account, 2)]).await;
    let tx = fixture.write().await;
    assert!(tx.api_keys().revoke_api_key(api_key(&account, 1).id, at(5)).await.unwrap());
    assert!(!tx.api_keys().revoke_api_key(api_key(&account, 1).id, at(6)).await.unwrap());
    assert!(!tx.api_keys().revoke_api_key(api_key(&account, 3).id, at(6)).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(find(&fixture, &api_key(&account, 1)).await.unwrap().0.revoke_time, Some(at(5)));
    assert_eq!(find(&fixture, &api_key(&account, 2)).await.unwrap().0.revoke_time, None);
}

async fn record(fixture: &Fixture, key: &ApiKey, time: Timestamp) -> bool {
    let tx = fixture.write().await;
    let recorded = tx.api_keys().record_api_key_use(key.id, time, time - Duration::MINUTE).await.unwrap();
    tx.commit().await.unwrap();
    recorded
}

async fn a_use_is_written_down_if_it_is_news(fixture: Fixture) {
    let account = service_account(1);
    fixture.put_service_accounts(std::slice::from_ref(&account)).await;
    let key = api_key(&account, 1);
    put_keys(&fixture, std::slice::from_ref(&key)).await;
    for (second, is_news) in [(100, true), (100, false), (159, false), (160, true), (90, false), (220, true)] {
        assert_eq!(record(&fixture, &key, at(second)).await, is_news, "{second}");
    }
    assert_eq!(find(&fixture, &key).await.unwrap().0, ApiKey { last_used_time: Some(at(220)), ..key });
    assert!(!record(&fixture, &api_key(&account, 2), at(0)).await, "there is no such key");
}

async fn of_parallel_uses_one_is_written_down(fixture: Fixture) {
    let account = service_account(1);
    fixture.put_service_accounts(std::slice::from_ref(&account)).await;
    put_keys(&fixture, &[api_key(&account, 1)]).await;
    let recorded = in_parallel(&fixture.store, 8, |store, number| async move {
        let (id, time) = (api_key(&service_account(1), 1).id, at(number.into()));
        let tx = store.write().await.unwrap();
        let recorded = tx.api_keys().record_api_key_use(id, time, time - Duration::MINUTE).await.unwrap();
        tx.commit().await.unwrap();
        recorded
    });
    assert_eq!(recorded.await.into_iter().filter(|recorded| *recorded).count(), 1);
}

async fn keys_that_are_over_are_purged_in_batches(fixture: Fixture) {
    let account = service_account(1);
    fixture.put_service_accounts(std::slice::from_ref(&account)).await;
    let revoked = |number: u32| ApiKey { revoke_time: Some(at(number.into())), ..api_key(&account, number) };
    let expired = |number: u32| ApiKey { expire_time: at(number.into()), ..api_key(&account, number) };
    put_keys(&fixture, &[revoked(1), expired(2), revoked(3), expired(4), api_key(&account, 5)]).await;
    for expected in [2, 1, 0] {
        let tx = fixture.write().await;
        assert_eq!(tx.api_keys().purge_api_keys(at(4), 2).await.unwrap(), expected);
        tx.commit().await.unwrap();
    }
    let left = fixture.read().await.api_keys().list_api_keys(account.id, (None, 9)).await.unwrap();
    assert_eq!(left, [api_key(&account, 5), expired(4)]);
}
