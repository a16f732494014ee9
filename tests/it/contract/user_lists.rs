//! Lists of people: every order, every filter, walked in pages.

mod filters;
mod plans;
mod walks;

use std::slice;

use ipse::application::ports::{UserCursor, UserQuery};
use ipse::domain::account::user::User;
use ipse::domain::listing::user_filter::UserFilter;
use ipse::domain::listing::user_order::{Direction, UserOrder, UserOrderKey};

use super::Fixture;

/// Every order there is.
const ORDERS: [UserOrder; 4] = [
    UserOrder { key: UserOrderKey::CreateTime, direction: Direction::Ascending },
    UserOrder { key: UserOrderKey::CreateTime, direction: Direction::Descending },
    UserOrder { key: UserOrderKey::Email, direction: Direction::Ascending },
    UserOrder { key: UserOrderKey::Email, direction: Direction::Descending },
];

/// The place just after somebody, or before everybody.
fn after(order: UserOrder, last: Option<&User>) -> UserCursor {
    match order.key {
        UserOrderKey::CreateTime => UserCursor::CreateTime(last.map(|last| (last.create_time, last.id))),
        UserOrderKey::Email => UserCursor::Email(last.map(|last| last.email.canonical().to_owned())),
    }
}

/// The page of those who pass the filter, after somebody.
async fn page(fixture: &Fixture, filter: &UserFilter, order: UserOrder, from: (Option<&User>, i64)) -> Vec<User> {
    let (last, limit) = from;
    let query = UserQuery { filter: filter.clone(), cursor: after(order, last), direction: order.direction, limit };
    let page = fixture.read().await.users().list_users(&query).await.unwrap();
    assert!(page.len() <= usize::try_from(limit).unwrap());
    page
}

/// All who pass the filter, in pages.
async fn walk(fixture: &Fixture, filter: &UserFilter, order: UserOrder, limit: i64) -> Vec<User> {
    let mut walked: Vec<User> = Vec::new();
    loop {
        let page = page(fixture, filter, order, (walked.last(), limit)).await;
        if page.is_empty() {
            return walked;
        }
        walked.extend(page);
    }
}

/// People in an order, by what the order says and nothing else.
fn sorted(mut users: Vec<User>, order: UserOrder) -> Vec<User> {
    match order.key {
        UserOrderKey::CreateTime => users.sort_by_key(|user| (user.create_time, *user.id.as_uuid().as_bytes())),
        UserOrderKey::Email => users.sort_by_key(|user| user.email.canonical().as_bytes().to_vec()),
    }
    if order.direction == Direction::Descending {
        users.reverse();
    }
    users
}

fn filter(text: &str) -> UserFilter {
    UserFilter::parse(text).unwrap_or_else(|why| panic!("{text:?}: {why}"))
}

/// The addresses of those who pass a filter, in the order of their creation.
async fn found(fixture: &Fixture, text: &str) -> Vec<String> {
    let users = walk(fixture, &filter(text), UserOrder::default(), 2).await;
    users.iter().map(|user| user.email.written().to_owned()).collect()
}

/// Stores one person.
async fn put(fixture: &Fixture, user: &User) {
    fixture.put_users(slice::from_ref(user)).await;
}
