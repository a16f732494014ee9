use super::Users;
use crate::application::error::{Result, Violations};
use crate::application::page::{Page, PageRequest, read_position, write_position};
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

impl Users {
    /// Lists people.
    pub async fn list_users(&self, command: &ListUsers) -> Result<Page<User>> {
        let (filter, order) = parse(command)?;
        let ListUsers { filter: text, order_by, show_deleted, .. } = command;
        // No two lists share a name: only the filter, which comes last, may contain a slash.
        let list = format!("users/{order_by}/{show_deleted}/{text}");
        let page = self.page_tokens.open(list, &command.page, |bytes| read_cursor(order.key, bytes))?;
        let cursor = page.after.clone().unwrap_or_else(|| beginning(order.key));

        let tx = self.store.read().await?;
        let query = UserQuery { filter, cursor, direction: order.direction, limit: page.limit() };
        let users = tx.users().list_users(&query).await?;
        Ok(page.finish(users, |last| position(order.key, last)))
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

fn read_cursor(key: UserOrderKey, position: &[u8]) -> Option<UserCursor> {
    match key {
        UserOrderKey::CreateTime => {
            let (time, id) = read_position(position)?;
            Some(UserCursor::CreateTime(Some((time, UserId::from_uuid(id)))))
        }
        UserOrderKey::Email => Some(UserCursor::Email(Some(String::from_utf8(position.to_vec()).ok()?))),
    }
}

fn beginning(key: UserOrderKey) -> UserCursor {
    match key {
        UserOrderKey::CreateTime => UserCursor::CreateTime(None),
        UserOrderKey::Email => UserCursor::Email(None),
    }
}
