use super::Users;
use crate::application::error::{Refusal, Result, Violations};
use crate::application::page::{PageRequest, read_position, write_position};
use crate::application::ports::{UserCursor, UserQuery};
use crate::domain::account::user::User;
use crate::domain::id::UserId;
use crate::domain::listing::user_filter::UserFilter;
use crate::domain::listing::user_order::{UserOrder, UserOrderKey};

/// Which people to list, and how.
#[derive(Clone, Default)]
pub struct ListUsers {
    /// Which page.
    pub page: PageRequest,
    /// What the people have in common; empty for all.
    pub filter: String,
    /// The order; empty for the times of creation.
    pub order_by: String,
    /// Whether deleted people are listed, too.
    pub show_deleted: bool,
}

/// A page of people.
#[derive(Debug)]
pub struct UserPage {
    /// The people.
    pub users: Vec<User>,
    /// The token of the next page, or empty.
    pub next_page_token: String,
}

impl Users {
    /// Lists people.
    pub async fn list_users(&self, command: &ListUsers) -> Result<UserPage> {
        let (filter, order) = parse(command)?;
        let size = command.page.size()?;
        let ListUsers { filter: text, order_by, show_deleted, .. } = command;
        // No two lists share a name: only the filter, which comes last, may contain a slash.
        let list = format!("users/{order_by}/{show_deleted}/{text}");
        let after = self.page_tokens.decode(&list, &command.page.token)?;
        let cursor = read_cursor(order.key, after)?;

        let mut tx = self.store.read().await?;
        let query = UserQuery { filter, cursor, direction: order.direction, limit: size + 1 };
        let users = tx.users().list_users(&query).await?;
        let (users, next_page_token) = self.page_tokens.cut(users, size, &list, |last| position(order.key, last));
        Ok(UserPage { users, next_page_token })
    }
}

fn parse(command: &ListUsers) -> Result<(UserFilter, UserOrder)> {
    let mut violations = Violations::default();
    let filter = violations.take("filter", UserFilter::parse(&command.filter));
    let order = violations.take("order_by", UserOrder::parse(&command.order_by));
    let (filter, order) = violations.check(filter.zip(order))?;
    Ok((if command.show_deleted { filter } else { filter.without_deleted() }, order))
}

/// What a token says of the last of a page.
fn position(key: UserOrderKey, last: &User) -> Vec<u8> {
    match key {
        UserOrderKey::CreateTime => write_position(last.create_time, last.id.as_uuid()),
        UserOrderKey::Email => last.email.canonical().as_bytes().to_vec(),
    }
}

fn read_cursor(key: UserOrderKey, position: Option<Vec<u8>>) -> Result<UserCursor> {
    let read = |bytes: Vec<u8>| match key {
        UserOrderKey::CreateTime => {
            read_position(&bytes).map(|(time, id)| UserCursor::CreateTime(Some((time, UserId::from_uuid(id)))))
        }
        UserOrderKey::Email => String::from_utf8(bytes).ok().map(|address| UserCursor::Email(Some(address))),
    };
    match (position, key) {
        (Some(bytes), _) => Ok(read(bytes).ok_or(Refusal::PageTokenInvalid)?),
        (None, UserOrderKey::CreateTime) => Ok(UserCursor::CreateTime(None)),
        (None, UserOrderKey::Email) => Ok(UserCursor::Email(None)),
    }
}
