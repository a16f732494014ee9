//! Calls of those who administer people.

use std::sync::Arc;

use ipse::proto::user_service_client::UserServiceClient;
use ipse::proto::{CreateUserRequest, GetUserRequest, ListUsersRequest, User};
use tonic::Status;
use tonic::transport::Channel;

use super::Case;
use crate::Failure;
use crate::drive::Call;
use crate::limits::Limit;
use crate::options::StoreKind;
use crate::people;
use crate::world::World;

/// How many people a page has.
const PAGE: i32 = 50;
/// The most that a page may have, to get on.
const STRIDE: i32 = 1000;

pub(super) async fn cases(kind: StoreKind, world: &Arc<World>, channel: &Channel) -> Result<Vec<Case>, Failure> {
    let deep = deep_page(world, channel).await?;
    Ok(vec![
        Case::new("get-user", limit(kind, get_user_scripts(world)), world, get_user),
        list("list-users-first", kind, world, String::new()),
        list("list-users-deep", kind, world, deep),
        Case::new("create-user", Limit::Commit, world, create_user).in_flight(32),
    ])
}

/// What the case asks of PostgreSQL; SQLite is part of the server.
fn limit(kind: StoreKind, scripts: Vec<String>) -> Limit {
    match kind {
        StoreKind::Sqlite => Limit::NoOp,
        StoreKind::Postgres => Limit::Pgbench("pgbench read", scripts),
    }
}

fn get_user_scripts(world: &World) -> Vec<String> {
    world.ids.iter().take(64).map(|id| format!("SELECT * FROM users WHERE id = '{id}';\n")).collect()
}

async fn get_user(world: Arc<World>, channel: Channel) -> Result<bool, Status> {
    let id = world.ids[world.next() % world.ids.len()].clone();
    UserServiceClient::new(channel).get_user(world.administered(GetUserRequest { id })).await.map(|_| true)
}

/// The token of the page that begins where the last of those who were imported come.
async fn deep_page(world: &World, channel: &Channel) -> Result<String, Failure> {
    let mut page_token = String::new();
    for _ in 0..world.people / usize::try_from(STRIDE)? {
        let request = ListUsersRequest { page_size: STRIDE, page_token, ..ListUsersRequest::default() };
        let page = UserServiceClient::new(channel.clone()).list_users(world.administered(request)).await?.into_inner();
        page_token = page.next_page_token;
    }
    if page_token.is_empty() { Err("the list of people ends early".into()) } else { Ok(page_token) }
}

fn list(name: &'static str, kind: StoreKind, world: &Arc<World>, page_token: String) -> Case {
    let script = format!("SELECT * FROM users WHERE state = 'active' ORDER BY create_time, id LIMIT {};\n", PAGE + 1);
    let asked = world.clone();
    let call: Call = Arc::new(move |channel| {
        let request =
            ListUsersRequest { page_size: PAGE, page_token: page_token.clone(), ..ListUsersRequest::default() };
        let request = asked.administered(request);
        Box::pin(async move {
            let page = UserServiceClient::new(channel).list_users(request).await?.into_inner();
            let is_full = page.users.len() == usize::try_from(PAGE).unwrap_or_default();
            if is_full { Ok(true) } else { Err(Status::internal("the page is not full")) }
        })
    });
    Case::of(name, limit(kind, vec![script]), call)
}

/// With an invitation by mail, and so without a hash.
async fn create_user(world: Arc<World>, channel: Channel) -> Result<bool, Status> {
    let user = User { email: people::email('n', world.next()), ..User::default() };
    let request = CreateUserRequest { user: Some(user), ..CreateUserRequest::default() };
    UserServiceClient::new(channel).create_user(world.administered(request)).await.map(|_| true)
}
