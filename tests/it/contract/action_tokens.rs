use std::sync::Arc;

use ipse::application::ports::{PendingToken, Store};
use ipse::domain::Timestamp;
use ipse::domain::account::email::EmailAddress;
use ipse::domain::id::UserId;
use ipse::domain::token::action_token::ActionPurpose;
use ipse::domain::token::action_token::ActionPurpose::{ChangeEmail, ResetPassword, VerifyEmail};
use ipse::domain::token::action_token::ActionToken;
use time::Duration;

use super::samples::{TICK, at, digest, user};
use super::{Fixture, in_parallel};
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    a_token_is_found_by_its_digest_and_purpose
    every_purpose_is_one_of_its_own
    a_token_is_found_until_it_expires
    a_new_token_replaces_the_one_for_the_same_purpose
    tokens_of_other_purposes_and_people_stay
    a_consumed_token_is_gone
    a_token_brings_the_address_it_was_made_for
    an_expired_or_foreign_token_is_not_consumed
    a_consumption_that_is_rolled_back_gives_the_token_back
    of_parallel_consumptions_exactly_one_gets_the_token
    of_parallel_replacements_one_remains
    a_dropped_token_is_gone
    pending_tokens_are_told_without_what_they_are_made_of
    all_tokens_of_a_person_are_dropped_at_once
    expired_tokens_are_purged_in_batches
}

fn token(owner: u32, purpose: ActionPurpose, number: u32) -> ActionToken {
    let (create_time, expire_time) = (at(0), at(3600));
    let user_id = user(owner).id;
    ActionToken { user_id, purpose, new_email: None, digest: digest(number), create_time, expire_time }
}

async fn put(fixture: &Fixture, tokens: &[ActionToken]) {
    let tx = fixture.write().await;
    for token in tokens {
        tx.action_tokens().put_action_token(token).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn find(fixture: &Fixture, number: u32, purpose: ActionPurpose, now: Timestamp) -> Option<UserId> {
    fixture.read().await.action_tokens().find_action_token(&digest(number), purpose, now).await.unwrap()
}

async fn consume(store: &Arc<dyn Store>, number: u32, purpose: ActionPurpose, now: Timestamp) -> Option<UserId> {
    let tx = store.write().await.unwrap();
    let owner = tx.action_tokens().consume_action_token(&digest(number), purpose, now).await.unwrap();
    tx.commit().await.unwrap();
    owner.map(|token| token.user_id)
}

async fn a_token_is_found_by_its_digest_and_purpose(fixture: Fixture) {
    fixture.put_users(&[user(1), user(2)]).await;
    put(&fixture, &[token(1, VerifyEmail, 1), token(2, ResetPassword, 2)]).await;
    for _ in 0..2 {
        assert_eq!(find(&fixture, 1, VerifyEmail, at(0)).await, Some(user(1).id));
        assert_eq!(find(&fixture, 2, ResetPassword, at(0)).await, Some(user(2).id));
    }
    assert_eq!(find(&fixture, 1, ResetPassword, at(0)).await, None);
    assert_eq!(find(&fixture, 3, VerifyEmail, at(0)).await, None);
}

async fn every_purpose_is_one_of_its_own(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    let purposes = || (1..).zip(ActionPurpose::ALL.iter().copied());
    put(&fixture, &purposes().map(|(number, purpose)| token(1, purpose, number)).collect::<Vec<_>>()).await;
    for (number, purpose) in purposes() {
        for other in ActionPurpose::ALL.iter().copied() {
            let found = (other == purpose).then_some(user(1).id);
            assert_eq!(find(&fixture, number, other, at(0)).await, found, "{purpose:?} as {other:?}");
        }
    }
    for (number, purpose) in purposes() {
        assert_eq!(consume(&fixture.store, number, purpose, at(0)).await, Some(user(1).id), "{purpose:?}");
    }
}

async fn a_token_is_found_until_it_expires(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    put(&fixture, &[token(1, VerifyEmail, 1)]).await;
    assert_eq!(find(&fixture, 1, VerifyEmail, at(3600) - TICK).await, Some(user(1).id));
    assert_eq!(find(&fixture, 1, VerifyEmail, at(3600)).await, None);
}

async fn a_new_token_replaces_the_one_for_the_same_purpose(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    let later = ActionToken { expire_time: at(7200), ..token(1, VerifyEmail, 2) };
    put(&fixture, &[token(1, VerifyEmail, 1), later]).await;
    assert_eq!(find(&fixture, 1, VerifyEmail, at(0)).await, None);
    assert_eq!(find(&fixture, 2, VerifyEmail, at(7200) - TICK).await, Some(user(1).id));
}

async fn tokens_of_other_purposes_and_people_stay(fixture: Fixture) {
    fixture.put_users(&[user(1), user(2)]).await;
    put(&fixture, &[token(1, VerifyEmail, 1), token(1, ResetPassword, 2), token(2, VerifyEmail, 3)]).await;
    put(&fixture, &[token(1, VerifyEmail, 4)]).await;
    assert_eq!(find(&fixture, 2, ResetPassword, at(0)).await, Some(user(1).id));
    assert_eq!(find(&fixture, 3, VerifyEmail, at(0)).await, Some(user(2).id));
}

async fn a_consumed_token_is_gone(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    put(&fixture, &[token(1, VerifyEmail, 1), token(1, ResetPassword, 2)]).await;
    assert_eq!(consume(&fixture.store, 1, VerifyEmail, at(0)).await, Some(user(1).id));
    assert_eq!(consume(&fixture.store, 1, VerifyEmail, at(0)).await, None);
    assert_eq!(find(&fixture, 1, VerifyEmail, at(0)).await, None);
    assert_eq!(find(&fixture, 2, ResetPassword, at(0)).await, Some(user(1).id));
}

async fn a_token_brings_the_address_it_was_made_for(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    let new_email = Some(EmailAddress::parse("New.Name@bücher.example").unwrap());
    put(
        &fixture,
        &[ActionToken { new_email: new_email.clone(), ..token(1, ChangeEmail, 1) }, token(1, VerifyEmail, 2)],
    )
    .await;
    let tx = fixture.write().await;
    for (number, purpose, expected) in [(1, ChangeEmail, new_email), (2, VerifyEmail, None)] {
        let consumed = tx.action_tokens().consume_action_token(&digest(number), purpose, at(0)).await.unwrap();
        assert_eq!(consumed.unwrap().new_email, expected);
    }
}

async fn an_expired_or_foreign_token_is_not_consumed(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    put(&fixture, &[token(1, VerifyEmail, 1)]).await;
    assert_eq!(consume(&fixture.store, 1, VerifyEmail, at(3600)).await, None);
    assert_eq!(consume(&fixture.store, 1, ResetPassword, at(0)).await, None);
    assert_eq!(consume(&fixture.store, 2, VerifyEmail, at(0)).await, None);
    assert_eq!(consume(&fixture.store, 1, VerifyEmail, at(3600) - TICK).await, Some(user(1).id));
}

async fn a_consumption_that_is_rolled_back_gives_the_token_back(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    put(&fixture, &[token(1, VerifyEmail, 1)]).await;
    let tx = fixture.write().await;
    let owner = tx.action_tokens().consume_action_token(&digest(1), VerifyEmail, at(0)).await.unwrap();
    assert_eq!(owner.map(|token| token.user_id), Some(user(1).id));
    drop(tx);
    assert_eq!(consume(&fixture.store, 1, VerifyEmail, at(0)).await, Some(user(1).id));
}

async fn of_parallel_consumptions_exactly_one_gets_the_token(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    put(&fixture, &[token(1, ResetPassword, 1)]).await;
    let owners =
        in_parallel(&fixture.store, 32, |store, _| async move { consume(&store, 1, ResetPassword, at(0)).await });
    assert_eq!(owners.await.into_iter().flatten().collect::<Vec<_>>(), [user(1).id]);
}

async fn of_parallel_replacements_one_remains(fixture: Fixture) {
    fixture.put_users(&[user(1)]).await;
    in_parallel(&fixture.store, 16, |store, number| async move {
        let tx = store.write().await.unwrap();
        tx.action_tokens().put_action_token(&token(1, ResetPassword, number)).await.unwrap();
        tx.commit().await.unwrap();
    })
    .await;
    let mut remaining = 0;
    for number in 0..16 {
        remaining += u32::from(find(&fixture, number, ResetPassword, at(0)).await.is_some());
    }
    assert_eq!(remaining, 1);
}

async fn a_dropped_token_is_gone(fixture: Fixture) {
    fixture.put_users(&[user(1), user(2)]).await;
    put(&fixture, &[token(1, VerifyEmail, 1), token(1, ResetPassword, 2), token(2, VerifyEmail, 3)]).await;
    let tx = fixture.write().await;
    for _ in 0..2 {
        tx.action_tokens().drop_action_token(user(1).id, VerifyEmail).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(find(&fixture, 1, VerifyEmail, at(0)).await, None);
    assert_eq!(find(&fixture, 2, ResetPassword, at(0)).await, Some(user(1).id));
    assert_eq!(find(&fixture, 3, VerifyEmail, at(0)).await, Some(user(2).id));
}

async fn all_tokens_of_a_person_are_dropped_at_once(fixture: Fixture) {
    fixture.put_users(&[user(1), user(2)]).await;
    put(&fixture, &[token(1, VerifyEmail, 1), token(1, ResetPassword, 2), token(2, VerifyEmail, 3)]).await;
    let tx = fixture.write().await;
    tx.action_tokens().drop_action_tokens(user(1).id).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(find(&fixture, 1, VerifyEmail, at(0)).await, None);
    assert_eq!(find(&fixture, 2, ResetPassword, at(0)).await, None);
    assert_eq!(find(&fixture, 3, VerifyEmail, at(0)).await, Some(user(2).id));
}

async fn expired_tokens_are_purged_in_batches(fixture: Fixture) {
    let people: Vec<_> = (0..6).map(user).collect();
    fixture.put_users(&people).await;
    let expiring = |number| ActionToken { expire_time: at(i64::from(number)), ..token(number, VerifyEmail, number) };
    put(&fixture, &(0..6).map(expiring).collect::<Vec<_>>()).await;
    for expected in [3, 2, 0] {
        let tx = fixture.write().await;
        assert_eq!(tx.action_tokens().purge_action_tokens(at(5), 3).await.unwrap(), expected);
        tx.commit().await.unwrap();
    }
    assert_eq!(find(&fixture, 5, VerifyEmail, at(5) - Duration::seconds(1)).await, Some(user(5).id));
}

async fn pending_tokens_are_told_without_what_they_are_made_of(fixture: Fixture) {
    fixture.put_users(&[user(1), user(2)]).await;
    let new_email = Some(user(3).email);
    let change = ActionToken { new_email: new_email.clone(), create_time: at(-1), ..token(1, ChangeEmail, 1) };
    put(&fixture, &[token(1, VerifyEmail, 2), change, token(2, ResetPassword, 3)]).await;
    let pending = fixture.read().await.action_tokens().pending_action_tokens(user(1).id).await.unwrap();
    let expected = [(ChangeEmail, new_email, at(-1)), (VerifyEmail, None, at(0))];
    let expected = expected.map(|(purpose, new_email, create_time)| PendingToken {
        purpose,
        new_email,
        create_time,
        expire_time: at(3600),
    });
    assert_eq!(pending, expected);
}
